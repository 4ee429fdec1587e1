use std::sync::Arc;

use parking_lot::Mutex;
use rust_rocksdb::event_listener::{DBBackgroundErrorReason, EventListener, MutableStatus};

use crate::error::Cause;

/// Whether the store has given up writing, and why: after a write, a sync or work in the background has failed, what is on
/// the disk is known only to whoever opens it anew.
///
/// Want of room is no such failure where nothing but a sorted file was to be written: what was to go into it is where it was, in
/// the log or in other files.
#[derive(Clone, Debug, Default)]
pub(crate) struct GivenUp(Arc<Mutex<Trouble>>);

#[derive(Debug, Default)]
struct Trouble {
    cause: Option<Cause>,
    /// What is in memory could not be written out.
    lacks_room: bool,
}

impl GivenUp {
    /// Gives up, because of this. The first cause stays.
    pub(crate) fn because(&self, cause: Cause) -> Cause {
        let given_up = &mut self.0.lock().cause;
        if given_up.is_none() {
            tracing::error!(%cause, "the store writes no more");
        }
        given_up.get_or_insert(cause).clone()
    }

    /// Whether RocksDB takes nothing until there is room, and it is told so.
    pub(crate) fn lacks_room(&self) -> bool {
        self.0.lock().lacks_room
    }

    /// Notes whether that is so.
    pub(crate) fn set_lacks_room(&self, lacks_room: bool) {
        self.0.lock().lacks_room = lacks_room;
    }

    /// Why, if it has.
    pub(crate) fn why(&self) -> Option<Cause> {
        self.0.lock().cause.clone()
    }
}

impl EventListener for GivenUp {
    /// RocksDB may recover from some of these by itself, and would go on; a store whose files could not be written or synced
    /// once is opened anew instead.
    fn on_background_error(&self, reason: DBBackgroundErrorReason, status: MutableStatus) {
        let Err(error) = status.result() else { return };
        match reason {
            // It is tried again by itself, and writing goes on meanwhile.
            DBBackgroundErrorReason::KCompaction if is_want_of_room(error) => {
                tracing::warn!(%error, "there is no room to merge files");
            }
            // A write that is refused for that is told of here too.
            _ if is_stop_for_want_of_room(error) => {
                tracing::warn!(%error, "there is no room to write out what is in memory");
                self.set_lacks_room(true);
            }
            _ => {
                self.because(Cause(error.to_string()));
            }
        }
    }
}

/// RocksDB says only in words that the disk is full; a test fills one.
pub(crate) fn is_want_of_room(error: &rust_rocksdb::Error) -> bool {
    error.as_ref().contains("No space left on device")
}

/// Whether that is so of a sorted file: then RocksDB takes nothing, and nothing of what it was given is written. Where the log
/// itself could not be written, nobody knows.
pub(crate) fn is_stop_for_want_of_room(error: &rust_rocksdb::Error) -> bool {
    is_want_of_room(error) && error.as_ref().contains(".sst")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_stays() {
        let given_up = GivenUp::default();
        assert!(given_up.why().is_none());
        given_up.because(Cause("the disk".to_owned()));
        given_up.because(Cause("and the rest".to_owned()));
        assert_eq!(given_up.why(), Some(Cause("the disk".to_owned())));
    }
}
