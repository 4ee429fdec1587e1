use std::collections::HashMap;

use eventstore_api::{
    AppendBatch, AppendCondition, Appended, EventFilter, EventType, ExpectedVersion, GlobalPosition,
    InvalidInput, Placement, RestoredBatch, Result, StoreError, StreamAppend, StreamId, Timestamp,
};
use foldhash::fast::RandomState;

use crate::{
    lists::Lists,
    log::Log,
    retry,
    search::{Search, Window},
    span::Span,
    stats::InMemoryStats,
    streams::Streams,
    tags::TagIndex,
};

/// What only the append whose turn it is may touch.
pub(crate) struct Writer {
    /// May run backwards; what is recorded does not.
    clock: fn() -> Timestamp,
    last_recorded_at: Timestamp,
    /// The last position of each event type, which settles most append conditions without looking at the log.
    last_of_type: HashMap<EventType, u64, RandomState>,
    payload_bytes: u64,
}

impl Default for Writer {
    fn default() -> Self {
        Self::with_clock(Timestamp::now)
    }
}

impl Writer {
    /// The writer of an empty log, which records the time that this clock tells.
    pub(crate) fn with_clock(clock: fn() -> Timestamp) -> Self {
        Self {
            clock,
            last_recorded_at: Timestamp::default(),
            last_of_type: HashMap::default(),
            payload_bytes: 0,
        }
    }

    /// What there is, beside the counts.
    pub(crate) fn stats(&self) -> InMemoryStats {
        InMemoryStats { payload_bytes: self.payload_bytes, event_types: self.last_of_type.len() as u64 }
    }

    /// Appends a validated batch, or changes nothing.
    pub(crate) fn append(
        &mut self,
        batch: AppendBatch,
        log: &Log,
        streams: &Streams,
        tags: &TagIndex,
    ) -> Result<Vec<Appended>> {
        if let Some(outcomes) = retry::earlier_outcome(&batch, log, streams)? {
            return Ok(outcomes);
        }
        self.check(&batch, log, streams, tags)?;
        let recorded_at = self.last_recorded_at.max((self.clock)());
        Ok(self.store_all(batch, recorded_at, log, streams, tags))
    }

    /// Stores a batch of another store as it was there, or changes nothing.
    pub(crate) fn restore(
        &mut self,
        restored: RestoredBatch,
        log: &Log,
        streams: &Streams,
        tags: &TagIndex,
    ) -> Result<()> {
        let RestoredBatch { batch, place, .. } = restored;
        place.follows(GlobalPosition::new(log.head()), self.last_recorded_at)?;
        if retry::earlier_outcome(&batch, log, streams)?.is_some() {
            return Err(InvalidInput::StoredElsewhere.into());
        }
        self.check(&batch, log, streams, tags)?;
        self.store_all(batch, place.recorded_at, log, streams, tags);
        Ok(())
    }

    /// Whether the guards and the condition hold.
    fn check(&self, batch: &AppendBatch, log: &Log, streams: &Streams, tags: &TagIndex) -> Result<()> {
        for append in &batch.appends {
            check_guard(&append.stream, append.expected, streams)?;
        }
        for guard in &batch.guards {
            check_guard(&guard.stream, guard.expected, streams)?;
        }
        if let Some(condition) = &batch.condition {
            self.check_condition(condition, log, Lists { tags, streams })?;
        }
        Ok(())
    }

    /// Nothing here can fail.
    fn store_all(
        &mut self,
        batch: AppendBatch,
        recorded_at: Timestamp,
        log: &Log,
        streams: &Streams,
        tags: &TagIndex,
    ) -> Vec<Appended> {
        self.last_recorded_at = recorded_at;
        let mut head = log.head();
        let outcomes = batch
            .appends
            .into_iter()
            .map(|append| self.store(append, &mut head, log, streams, tags))
            .collect();
        log.publish(head);
        outcomes
    }

    /// Looks for an event that the condition excludes, from the head back to its position: at those that an index lists, or
    /// at each one where a criterion names neither a tag nor a stream. Every other append waits meanwhile.
    fn check_condition(&self, condition: &AppendCondition, log: &Log, lists: Lists<'_>) -> Result<()> {
        let filter = &condition.fail_if_events_match;
        let after = condition.after.get();
        let none_since =
            |event_type: &&EventType| self.last_of_type.get(*event_type).is_none_or(|&last| last <= after);
        if types_asked_for(filter).is_some_and(|types| types.iter().all(none_since)) {
            return Ok(());
        }
        let search = Search { log, lists, filter, window: Window::default() };
        match search.last(Span::after(after, log.head())) {
            Some(at) => Err(StoreError::ConditionFailed { at: GlobalPosition::new(at) }),
            None => Ok(()),
        }
    }

    /// Puts one stream's events into the log after `head`, and moves `head` to the last of them.
    fn store(
        &mut self,
        append: StreamAppend,
        head: &mut u64,
        log: &Log,
        streams: &Streams,
        tags: &TagIndex,
    ) -> Appended {
        let StreamAppend { stream, events, .. } = append;
        let first_position = *head + 1;
        let before = streams.extend(&stream, events.iter().map(|event| event.id).zip(first_position..));
        let mut version = before;
        for event in events {
            version = version.next();
            *head += 1;
            tags.insert(&event.tags, *head);
            self.note_type(&event.event_type, *head);
            self.payload_bytes += event.payload.len() as u64;
            log.push(event.record(Placement {
                stream: stream.clone(),
                version,
                position: GlobalPosition::new(*head),
                recorded_at: self.last_recorded_at,
            }));
        }
        Appended::new(
            stream,
            (before.next(), GlobalPosition::new(first_position)),
            (version, GlobalPosition::new(*head)),
        )
    }

    fn note_type(&mut self, event_type: &EventType, position: u64) {
        match self.last_of_type.get_mut(event_type) {
            Some(last) => *last = position,
            None => {
                self.last_of_type.insert(event_type.clone(), position);
            }
        }
    }
}

fn check_guard(stream: &StreamId, expected: ExpectedVersion, streams: &Streams) -> Result<()> {
    // Most appends have none, and need no look.
    if expected == ExpectedVersion::Any { Ok(()) } else { expected.check(stream, streams.version(stream)) }
}

/// The event types of all criteria together; `None` where one takes any type.
fn types_asked_for(filter: &EventFilter) -> Option<Vec<&EventType>> {
    let mut types = Vec::new();
    for criterion in filter.criteria()? {
        types.extend(criterion.event_types.as_ref()?);
    }
    Some(types)
}
