use std::sync::Arc;

use eventstore_api::{EventStoreBackend, ReadAll, RecordedEvent, Subscription, message_with_causes};
use tokio::time::Instant;

use super::{Member, lanes::Item};
use crate::{
    Event,
    consumer_group::GroupError,
    event_store::{to_recorded, typed_filter},
};

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
            let filter = typed_filter::<E>(&self.core.settings.filter);
            Subscription::new(self.core.store.shared_backend(), lowest, filter)
                .with_page_size(self.core.settings.buffer.min(ReadAll::DEFAULT_LIMIT))
        });
    }

    /// Gives an event to the partition it belongs to, if that is one of ours.
    pub(super) fn place(&mut self, record: RecordedEvent) -> Result<(), GroupError> {
        let event = to_recorded(record.clone());
        let key = self.core.key_of(event.as_ref().ok(), &record)?;
        let position = record.position;
        if let Some(tenure) = self.tenures.get_mut(&self.core.partition_of(&key)) {
            tenure.take(key, item(record, event, false));
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

pub(super) fn item<E>(
    record: RecordedEvent,
    event: crate::Result<crate::Recorded<E>>,
    is_replay: bool,
) -> Item<E> {
    Item { record, event: event.map(Arc::new).map_err(|error| message_with_causes(&error)), is_replay }
}
