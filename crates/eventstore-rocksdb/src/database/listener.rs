use std::sync::Arc;

use parking_lot::Mutex;
use rust_rocksdb::event_listener::{DBBackgroundErrorReason, EventListener, MutableStatus};

use crate::error::{Cause, RocksDbError};

/// Whether the store has given up writing, and why: after a write, a sync or work in the background has failed, what is on
/// the disk is known only to whoever opens it anew.
#[derive(Clone, Debug, Default)]
pub(crate) struct GivenUp(Arc<Mutex<Option<Cause>>>);

impl GivenUp {
    /// Gives up, because of this. The first cause stays.
    pub(crate) fn because(&self, cause: Cause) -> Cause {
        let mut given_up = self.0.lock();
        if given_up.is_none() {
            tracing::error!(%cause, "the store writes no more");
        }
        given_up.get_or_insert(cause).clone()
    }

    /// Why, if it has.
    pub(crate) fn why(&self) -> Option<RocksDbError> {
        self.0.lock().clone().map(|source| RocksDbError::GaveUp { source })
    }
}

impl EventListener for GivenUp {
    /// RocksDB may recover from some of these by itself, and would go on; a store whose files could not be written or synced
    /// once is opened anew instead.
    fn on_background_error(&self, _: DBBackgroundErrorReason, status: MutableStatus) {
        if let Err(error) = status.result() {
            self.because(Cause(error.to_string()));
        }
    }
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
        assert!(
            matches!(given_up.why(), Some(RocksDbError::GaveUp { source }) if source.to_string() == "the disk")
        );
    }
}
