use std::{fmt, sync::Arc};

use tokio::sync::mpsc::UnboundedSender;

use super::member::{Message, Receipt, Tenancy, Verdict};
use crate::Recorded;

/// An event that is to be handled, and then acknowledged.
///
/// It may go to another task. Later events of its key come only after it. Dropped without a word, it counts as failed.
///
/// Where an upcaster makes several events of one that is stored, each is delivered, in order, and they are done with together: when
/// a member dies between them, all of them are delivered again.
#[must_use = "a delivery that is dropped has failed"]
pub struct Delivery<E> {
    event: Arc<Recorded<E>>,
    key: Arc<str>,
    attempt: u32,
    /// Taken when the verdict is given.
    receipt: Option<Receipt>,
    tenancy: Tenancy,
    verdicts: UnboundedSender<Message>,
}

impl<E> Delivery<E> {
    pub(super) fn new(
        event: Arc<Recorded<E>>,
        attempt: u32,
        receipt: Receipt,
        tenancy: Tenancy,
        verdicts: UnboundedSender<Message>,
    ) -> Self {
        let key = Arc::clone(&receipt.key);
        Self { event, key, attempt, receipt: Some(receipt), tenancy, verdicts }
    }

    /// What happened, with its record.
    #[must_use]
    pub fn event(&self) -> &Recorded<E> {
        &self.event
    }

    /// The key in whose order it stands.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Which delivery of the event this is, from 1, as far as checkpoints know: what was tried behind the last one of a
    /// member that died is not counted. Begins anew with a replay.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether the member still holds the event's partition. If not, another one handles the event too, and what becomes of
    /// this delivery is not recorded: work that takes long may look, and stop.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.tenancy.holds()
    }

    /// The event is done with. Returns at once; the store knows of it with the member's next checkpoint. Before that, the
    /// death of the member has the event delivered once more.
    pub fn ack(mut self) {
        self.settle(Verdict::Done);
    }

    /// The event could not be handled. It is delivered again after a while, or parked with this reason if that was the last
    /// attempt.
    pub fn nack(mut self, reason: impl fmt::Display) {
        self.settle(Verdict::Failed(reason.to_string()));
    }

    /// Ends it without a word: it was never handed out.
    pub(super) fn forget(mut self) {
        self.receipt = None;
    }

    fn settle(&mut self, verdict: Verdict) {
        if let Some(receipt) = self.receipt.take() {
            // A member that is gone has no use for it.
            let _ = self.verdicts.send(Message::Settled(receipt, verdict));
        }
    }
}

impl<E> Drop for Delivery<E> {
    fn drop(&mut self) {
        self.settle(Verdict::Failed("dropped without ack or nack".to_owned()));
    }
}

impl<E: fmt::Debug> fmt::Debug for Delivery<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("event", &self.event)
            .field("key", &self.key)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
