use std::{sync::Arc, time::Instant};

use parking_lot::{Condvar, Mutex};
use rust_rocksdb::event_listener::{
    BackgroundErrorRecoveryInfo, DBBackgroundErrorReason, EventListener, MutableStatus,
};

use crate::error::Cause;

/// Whether the store has given up writing, and why: after a write, a sync or work in the background has failed, what is on
/// the disk is known only to whoever opens it anew.
///
/// Want of room is no such failure where nothing but a sorted file was to be written: what was to go into it is where it was, in
/// the log or in other files.
#[derive(Clone, Debug, Default)]
pub(crate) struct GivenUp(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    trouble: Mutex<Trouble>,
    /// Told of each recovery.
    recovered: Condvar,
}

#[derive(Debug, Default)]
struct Trouble {
    cause: Option<Cause>,
    /// What is in memory could not be written out, for this want of room.
    lacks_room: Option<Cause>,
    /// How many attempts to go on have ended, RocksDB's own and ours.
    recoveries: u64,
}

impl GivenUp {
    /// Gives up, because of this. The first cause stays.
    pub(crate) fn because(&self, cause: Cause) -> Cause {
        let given_up = &mut self.0.trouble.lock().cause;
        if given_up.is_none() {
            tracing::error!(%cause, "the store writes no more");
        }
        given_up.get_or_insert(cause).clone()
    }

    /// How RocksDB said that it takes nothing until there is room, and it is told so; `None` where it takes what it gets.
    pub(crate) fn lacks_room(&self) -> Option<Cause> {
        self.0.trouble.lock().lacks_room.clone()
    }

    /// Notes whether that is so.
    pub(crate) fn set_lacks_room(&self, lacks_room: Option<Cause>) {
        self.0.trouble.lock().lacks_room = lacks_room;
    }

    /// How many attempts to go on have ended, after it had stopped for want of room.
    pub(crate) fn recoveries(&self) -> u64 {
        self.0.trouble.lock().recoveries
    }

    /// Waits until more than these have ended; whether they have, in time.
    pub(crate) fn wait_for_recovery(&self, seen: u64, until: Instant) -> bool {
        let mut trouble = self.0.trouble.lock();
        !self.0.recovered.wait_while_until(&mut trouble, |it| it.recoveries == seen, until).timed_out()
    }

    fn note_recovery(&self) {
        self.0.trouble.lock().recoveries += 1;
        self.0.recovered.notify_all();
    }

    /// Why, if it has.
    pub(crate) fn why(&self) -> Option<Cause> {
        self.0.trouble.lock().cause.clone()
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
                self.set_lacks_room(Some(Cause(error.to_string())));
            }
            _ => {
                self.because(Cause(error.to_string()));
            }
        }
    }

    fn on_error_recovery_end(&self, _: &BackgroundErrorRecoveryInfo) {
        self.note_recovery();
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

    #[test]
    fn a_recovery_is_waited_for_and_not_missed() {
        let given_up = GivenUp::default();
        let seen = given_up.recoveries();
        assert!(!given_up.wait_for_recovery(seen, Instant::now()));
        let waiting = given_up.clone();
        let waiter = std::thread::spawn(move || {
            waiting.wait_for_recovery(seen, Instant::now() + std::time::Duration::from_secs(60))
        });
        given_up.note_recovery();
        assert!(waiter.join().unwrap());
        assert!(given_up.wait_for_recovery(seen, Instant::now()));
    }
}
