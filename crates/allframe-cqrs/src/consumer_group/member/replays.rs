use eventstore_api::{EventStoreBackend, StreamId, Version};

use super::{Member, lanes::Item};
use crate::{
    Event,
    consumer_group::{GroupError, control::ParkedEntry, parked::read_record},
};

impl<E: Event, B: EventStoreBackend> Member<E, B> {
    /// Reads the next parked event of each key that is to be delivered again, as far as deliveries may be out.
    pub(super) async fn start_replays(&mut self) -> Result<(), GroupError> {
        let backend = self.core.store.backend();
        let most = self.core.settings.max_in_flight;
        for tenure in self.tenures.values_mut().filter(|tenure| tenure.draining_since.is_none()) {
            let room = most.saturating_sub(tenure.lanes.replays());
            let due = tenure.file.ledger.due().filter(|entry| !tenure.lanes.has(&entry.key));
            let due: Vec<ParkedEntry> = due.take(room).cloned().collect();
            for entry in due {
                let stream = StreamId::try_from(entry.stream.as_str())?;
                match read_record(backend, &stream, Version::new(entry.version)).await? {
                    Some(record) => {
                        let events = self.core.store.reader().read(record.clone());
                        tenure.take_again(entry.key, Item::new(record, events, true));
                    }
                    None => {
                        let reason = "the event is in the store no more".to_owned();
                        tenure.park_again(entry.position, entry.attempts, reason);
                    }
                }
            }
        }
        Ok(())
    }
}
