use eventstore_api::{EventStoreBackend, ReadAll, RecordedEvent, Subscription};
use tokio::time::Instant;

use super::{Member, lanes::Item};
use crate::{Event, consumer_group::GroupError};

impl<E: Event, B: EventStoreBackend> Member<E, B> {
    /// Whether there is room for another event.
    pub(super) fn may_read(&self) -> bool {
        let held: usize = self.tenures.values().map(|tenure| tenure.window.len()).sum();
        !self.tenures.is_empty() && held < self.core.settings.buffer && self.reads_from <= Instant::now()
    }

    /// Reads from where the partition begins that was read least far. What others have read already is read again then,
    /// and passed over.
    pub(super) fn read_anew(&mut self) {
        let positions = self.tenures.values().map(|tenure| tenure.window.read_to());
        self.reader = positions.min().map(|lowest| {
            let filter = self.core.store.reader().filter(&self.core.settings.filter);
            Subscription::new(self.core.store.shared_backend(), lowest, filter)
                .with_page_size(self.core.settings.buffer.min(ReadAll::DEFAULT_LIMIT))
        });
    }

    /// Gives an event to the partition it belongs to, if that is one of ours.
    pub(super) fn place(&mut self, record: RecordedEvent) -> Result<(), GroupError> {
        let events = self.core.store.reader().read(record.clone());
        let first = events.as_ref().ok().and_then(|events| events.first());
        let key = self.core.key_of(first, &record)?;
        let position = record.position;
        if let Some(tenure) = self.tenures.get_mut(&self.core.partition_of(&key)) {
            tenure.take(key, Item::new(record, events, false));
        }
        for tenure in self.tenures.values_mut() {
            tenure.window.note_read(position);
        }
        self.plan_save();
        Ok(())
    }

    /// Tells the partitions how far the log was read without finding anything for them.
    pub(super) fn note_reading(&mut self) {
        let Some(reader) = &self.reader else { return };
        for tenure in self.tenures.values_mut() {
            tenure.window.note_read(reader.position());
        }
    }
}
