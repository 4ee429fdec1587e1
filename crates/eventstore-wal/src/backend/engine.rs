use std::sync::Arc;

use eventstore_api::{Appended, Result, StoreError};
use eventstore_embedded::{Durability, Engine, Panicked};

use super::chores::Chores;
use crate::log::{Log, Request};

/// The log as the writer has it, with what it leaves for later.
#[derive(Debug)]
pub(super) struct LogEngine {
    /// Before the log, which has the directory locked until it is dropped: nobody else can be at the files until these end.
    chores: Ending,
    log: Log,
    durability: Durability,
}

/// Chores that end when it is dropped.
#[derive(Debug)]
struct Ending(Arc<Chores>);

impl LogEngine {
    pub(super) fn new(log: Log, chores: Arc<Chores>, durability: Durability) -> Self {
        Self { chores: Ending(chores), log, durability }
    }
}

impl Engine for LogEngine {
    type Request = Request;
    type Output = Vec<Appended>;

    fn commit<'r>(
        &mut self,
        requests: impl ExactSizeIterator<Item = &'r Request> + Clone,
    ) -> Vec<Result<Vec<Appended>>> {
        self.log.commit(requests)
    }

    fn after_commit(&mut self) {
        self.chores.0.take_from(&mut self.log);
    }

    fn flush(&mut self) -> Result<()> {
        self.log.flush()
    }

    /// Makes durable what is not, or, where all of it is, says so in the log.
    fn on_idle(&mut self) -> Result<()> {
        match self.durability {
            Durability::Interval(_) if !self.log.is_durable() => self.log.flush(),
            _ => self.log.mark().map(|_| ()),
        }
    }

    fn has_failed(&self) -> bool {
        self.log.is_poisoned()
    }

    fn takes_at_once<'r>(&self, requests: impl ExactSizeIterator<Item = &'r Request> + Clone) -> bool {
        self.log.takes_at_once(requests)
    }

    fn close(self) -> Result<()> {
        // As long as the log has the directory locked, nobody else can be at the files.
        let chores = self.chores.0.end();
        self.log.close().and(chores.map_err(|_| StoreError::storage(Panicked)))
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.0.end().is_err() {
            tracing::error!("a thread of the store panicked");
        }
    }
}
