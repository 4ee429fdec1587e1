//! What a store should hold, and what it should answer.

use std::sync::Arc;

use eventstore_api::{
    AppendBatch, Appended, ExpectedVersion, GlobalPosition, Known, NewEvent, Placement, RecordedEvent,
    StoreError, StreamId, Timestamp, Version, first_outcome,
};

/// All events of a store in their order, and the batches that they came in.
#[derive(Clone, Debug, Default)]
pub struct Model {
    events: Vec<RecordedEvent>,
    /// Each with how many events there are behind it.
    batches: Vec<(Arc<AppendBatch>, usize)>,
}

/// What the store should answer to a batch.
#[derive(Clone, Debug)]
pub enum Prediction {
    /// It is stored, as [`Model::place`] does it.
    Stored,
    /// It has been, and this was the answer then.
    Known(Vec<Appended>),
    /// A guard or the condition does not hold, or the batch makes no sense.
    Refused(StoreError),
}

/// The time of an event that has not been seen yet.
pub(crate) const UNSEEN: Timestamp = Timestamp::from_micros(i64::MIN);

impl Model {
    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// All events.
    #[must_use]
    pub fn events(&self) -> &[RecordedEvent] {
        &self.events
    }

    /// Whether a batch ends after so many events.
    #[must_use]
    pub fn is_border(&self, events: usize) -> bool {
        events == 0 || self.batches.binary_search_by_key(&events, |(_, end)| *end).is_ok()
    }

    /// The same with only so many events, which is where a batch ends.
    #[must_use]
    pub fn truncated(&self, events: usize) -> Self {
        let batches = self.batches.iter().take_while(|(_, end)| *end <= events).cloned().collect();
        Self { events: self.events.iter().take(events).cloned().collect(), batches }
    }

    /// The last batch within so many events, and those after it.
    pub fn batches_from(&self, events: usize) -> impl Iterator<Item = &Arc<AppendBatch>> {
        let first_after = self.batches.partition_point(|(_, end)| *end <= events);
        self.batches.iter().skip(first_after.saturating_sub(1)).map(|(batch, _)| batch)
    }

    /// All batches that were stored.
    pub fn batches(&self) -> impl ExactSizeIterator<Item = &Arc<AppendBatch>> {
        self.batches.iter().map(|(batch, _)| batch)
    }

    /// How far a stream has come.
    #[must_use]
    pub fn version(&self, stream: &StreamId) -> Version {
        self.events.iter().rfind(|event| event.stream == *stream).map_or(Version::NONE, |event| event.version)
    }

    /// How many streams there are.
    #[must_use]
    pub fn streams(&self) -> u64 {
        self.events.iter().filter(|event| event.version == Version::new(1)).count() as u64
    }

    /// What the store should answer to this batch.
    #[must_use]
    pub fn predict(&self, batch: &AppendBatch) -> Prediction {
        match first_outcome::<StoreError>(batch, |stream, event| Ok(self.find(stream, event))) {
            Ok(Some(outcome)) => return Prediction::Known(outcome),
            Ok(None) => {}
            Err(error) => return Prediction::Refused(error),
        }
        let appends = batch.appends.iter().map(|append| (&append.stream, append.expected));
        let guards = batch.guards.iter().map(|guard| (&guard.stream, guard.expected));
        for (stream, expected) in appends.chain(guards) {
            let actual = self.version(stream);
            if expected != ExpectedVersion::Any && !expected.is_met_by(actual) {
                let stream = stream.clone();
                return Prediction::Refused(StoreError::WrongExpectedVersion { stream, expected, actual });
            }
        }
        if let Some(condition) = &batch.condition {
            let excluded = |event: &&RecordedEvent| {
                event.position > condition.after && condition.fail_if_events_match.matches(event)
            };
            if let Some(event) = self.events.iter().rfind(excluded) {
                return Prediction::Refused(StoreError::ConditionFailed { at: event.position });
            }
        }
        Prediction::Stored
    }

    /// Stores a batch.
    pub fn place(&mut self, batch: &Arc<AppendBatch>) -> Vec<Appended> {
        let mut outcomes = Vec::with_capacity(batch.appends.len());
        for append in &batch.appends {
            let before = self.version(&append.stream);
            let first_position = self.next_position();
            let mut version = before;
            for event in &append.events {
                version = version.next();
                let placement = Placement {
                    stream: append.stream.clone(),
                    version,
                    position: self.next_position(),
                    recorded_at: UNSEEN,
                };
                self.events.push(event.clone().record(placement));
            }
            let last_position = GlobalPosition::new(self.events.len() as u64);
            let stream = append.stream.clone();
            outcomes.push(Appended::new(stream, (before.next(), first_position), (version, last_position)));
        }
        self.batches.push((Arc::clone(batch), self.events.len()));
        outcomes
    }

    /// Notes when events were recorded, as the store says: from then on it must always say so.
    pub fn note_times(&mut self, seen: &[RecordedEvent]) {
        for event in seen {
            let index =
                usize::try_from(event.position.get()).ok().and_then(|position| position.checked_sub(1));
            if let Some(ours) = index.and_then(|index| self.events.get_mut(index)) {
                ours.recorded_at = event.recorded_at;
            }
        }
    }

    fn next_position(&self) -> GlobalPosition {
        GlobalPosition::new(self.events.len() as u64 + 1)
    }

    fn find(&self, stream: &StreamId, event: &NewEvent) -> Option<Known> {
        let found = self.events.iter().find(|stored| stored.id == event.id && stored.stream == *stream)?;
        Some(Known {
            version: found.version,
            position: found.position,
            same_content: found.same_content(event),
        })
    }
}
