//! Appending: what callers ask for at the same time goes to the server together, one transaction for all of it.
//!
//! A [`Job`] is what one caller asks for. Jobs that are independent of each other make a [`Group`], which is one statement:
//! while it is on its way, the next group gathers. A caller who drops his future leaves his job where it is; one who has waited
//! too long takes it back, unless it was sent.

mod bulk;
mod call;
mod claim;
mod content;
mod criteria;
mod group;
mod inside;
mod outcome;
mod queue;
mod settle;

pub(crate) use bulk::{BulkLoad, KnownStreams, end_bulk_load, import, restore};
pub(crate) use inside::Inside;
pub(crate) use queue::Queue;

use self::claim::Claim;
use eventstore_api::{AppendBatch, Appended, Result};
use tokio::sync::oneshot;

/// An append that someone waits for.
pub(crate) struct Job {
    pub(crate) batch: AppendBatch,
    answer: oneshot::Sender<Result<Vec<Appended>>>,
    claim: Claim,
}

impl Job {
    fn answer(self, outcome: Result<Vec<Appended>>) {
        // Who does not wait any more does not want to know.
        let _ = self.answer.send(outcome);
    }
}
