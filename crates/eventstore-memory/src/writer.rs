use std::collections::HashMap;

use eventstore_api::{
    AppendBatch, AppendCondition, Appended, EventType, ExpectedVersion, GlobalPosition, Placement, Result,
    StoreError, StreamAppend, StreamId, Timestamp, Version,
};
use foldhash::fast::RandomState;

use crate::{log::Log, retry, search::Search, span::Span, streams::Streams, tags::TagIndex};

/// What only the append whose turn it is may touch.
#[derive(Default)]
pub(crate) struct Writer {
    last_recorded_at: Timestamp,
    /// The last position of each event type, which settles most append conditions without looking at the log.
    last_of_type: HashMap<EventType, u64, RandomState>,
}

impl Writer {
    /// Appends a validated batch, or changes nothing.
    pub(crate) fn append(
        &mut self,
        batch: AppendBatch,
        log: &Log,
        streams: &Streams,
        tags: &TagIndex,
    ) -> Result<Vec<Appended>> {
        if let Some(outcomes) = retry::first_outcome(&batch, log, streams)? {
            return Ok(outcomes);
        }
        for append in &batch.appends {
            check_guard(&append.stream, append.expected, streams)?;
        }
        for guard in &batch.guards {
            check_guard(&guard.stream, guard.expected, streams)?;
        }
        if let Some(condition) = &batch.condition {
            self.check_condition(condition, log, tags)?;
        }
        // From here on nothing can fail.
        self.last_recorded_at = self.last_recorded_at.max(Timestamp::now());
        let mut head = log.head();
        let outcomes = batch
            .appends
            .into_iter()
            .map(|append| self.store(append, &mut head, log, streams, tags))
            .collect();
        log.publish(head);
        Ok(outcomes)
    }

    fn check_condition(&self, condition: &AppendCondition, log: &Log, tags: &TagIndex) -> Result<()> {
        let filter = &condition.fail_if_events_match;
        let after = condition.after.get();
        let types_of_all = filter.criteria().iter().all(|criterion| !criterion.event_types.is_empty());
        if !filter.is_all() && types_of_all {
            let mut types = filter.criteria().iter().flat_map(|criterion| &criterion.event_types);
            if types.all(|event_type| self.last_of_type.get(event_type).is_none_or(|&last| last <= after)) {
                return Ok(());
            }
        }
        match (Search { log, tags, filter }).last(Span::after(after, log.head())) {
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
    if expected == ExpectedVersion::Any {
        return Ok(());
    }
    let actual: Version = streams.version(stream);
    if expected.is_met_by(actual) {
        Ok(())
    } else {
        Err(StoreError::WrongExpectedVersion { stream: stream.clone(), expected, actual })
    }
}
