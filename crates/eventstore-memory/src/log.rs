use std::sync::atomic::{AtomicU64, Ordering};

use eventstore_api::RecordedEvent;

/// All events in their order. One writer at a time appends; any number of readers read without a lock.
///
/// Positions are 1, 2, 3, ...: the place in the log, from one.
#[derive(Default)]
pub(crate) struct Log {
    events: boxcar::Vec<RecordedEvent>,
    /// The position of the last event that readers may see. It moves once an append, after all its events are in place:
    /// that is what makes an append visible as a whole.
    head: AtomicU64,
}

impl Log {
    /// The position of the last event that readers may see; 0 where there is none.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Puts an event in the next place, unseen until [`Log::publish`]. Under the writer's lock only.
    pub(crate) fn push(&self, event: RecordedEvent) {
        let position = event.position.get();
        let index = self.events.push(event);
        // An append that panicked on its way here (out of memory) would leave an event behind, and shift all after it.
        debug_assert_eq!(index as u64 + 1, position);
    }

    /// Shows readers everything up to this position. Under the writer's lock only.
    pub(crate) fn publish(&self, head: u64) {
        self.head.store(head, Ordering::Release);
    }

    /// The event at a position that was at or before the head.
    #[expect(
        clippy::expect_used,
        reason = "every position up to the head has been filled before the head moved"
    )]
    pub(crate) fn event(&self, position: u64) -> &RecordedEvent {
        let index = usize::try_from(position - 1).expect("the log fits into memory");
        self.events.get(index).expect("a position at or before the head holds an event")
    }
}
