//! Whether a batch may be appended: whether it is a retry, and whether its guards and its condition hold.

use std::ops::ControlFlow;

use eventstore_api::{
    AppendBatch, AppendCondition, Appended, Direction, GlobalPosition, InvalidInput, Known, NewEvent, Result,
    StoreError, StreamAppend, StreamId, Version, first_outcome,
};
use eventstore_codec::Names;

use super::{
    group::Group,
    memory::{Head, Memory},
    request::{NewAppend, NewSnapshot},
};
use crate::{
    database::{Caching, Database},
    layout::{family, keys, record::Record},
    read::{Search, Sought, Walked, snapshot},
};

/// What the writer decides on: what the store holds, and what is going to be written before.
pub(super) struct Decider<'a, 'r> {
    pub(super) database: &'a Database,
    pub(super) group: &'a mut Group<'r>,
    pub(super) memory: &'a mut Memory,
    /// Where what is written ends.
    pub(super) head: GlobalPosition,
}

impl<'r> Decider<'_, 'r> {
    /// Has the batch appended with the group, if it may be; where it has been appended before, gives back what was answered
    /// then.
    pub(super) fn append(&mut self, append: &'r NewAppend) -> Result<Vec<Appended>> {
        let batch = &append.batch;
        let streams = batch.appends.iter().map(|append| self.head_of(&append.stream));
        let heads = streams.collect::<Result<Vec<Head>>>()?;
        if let Some(place) = append.place {
            let state = self.group.state();
            place.follows(state.counts.head, state.recorded_at)?;
        }
        if let Some(outcome) = self.decide(batch, &heads)? {
            return match append.place {
                None => Ok(outcome),
                Some(_) => Err(InvalidInput::StoredElsewhere.into()),
            };
        }
        self.group.append(append, &heads, self.database, self.memory)
    }

    /// Has the snapshot saved with the group, unless there is a later one.
    pub(super) fn save(&mut self, save: &'r NewSnapshot) -> Result<()> {
        let stream = &save.snapshot.stream;
        let saved = match self.group.snapshot(stream) {
            Some(version) => Some(version),
            None => snapshot(self.database, stream)?.map(|snapshot| snapshot.version),
        };
        match saved {
            Some(saved) if saved > save.snapshot.version => Ok(()),
            saved => self.group.save(save, saved.is_none(), self.database),
        }
    }

    /// `None` when the batch is to be stored; the first outcome when it has been.
    fn decide(&mut self, batch: &AppendBatch, heads: &[Head]) -> Result<Option<Vec<Appended>>> {
        let streams = || batch.appends.iter().zip(heads);
        if streams().any(|(append, head)| may_be_known(append, head))
            && let Some(outcome) = first_outcome(batch, |stream, event| self.find(stream, event))?
        {
            return Ok(Some(outcome));
        }
        for (append, head) in streams() {
            append.expected.check(&append.stream, head.version)?;
        }
        for guard in &batch.guards {
            guard.expected.check(&guard.stream, self.head_of(&guard.stream)?.version)?;
        }
        match &batch.condition {
            Some(condition) => self.check_condition(condition).map(|()| None),
            None => Ok(None),
        }
    }

    fn head_of(&mut self, stream: &StreamId) -> Result<Head> {
        match self.group.head(stream) {
            Some(head) => Ok(head),
            None => self.memory.head(stream, self.database, self.group.state().greatest_id),
        }
    }

    /// Where an event is stored already, or is going to be.
    fn find(&mut self, stream: &StreamId, event: &NewEvent) -> Result<Option<Known>> {
        if Some(event.id) > self.group.state().greatest_id {
            return Ok(None);
        }
        if let Some(known) = self.group.find(stream, event) {
            return Ok(Some(known));
        }
        let Some(key) = self.database.get(family::IDS, &keys::id(event.id, stream))? else { return Ok(None) };
        let place = keys::position(&key);
        let position =
            place.ok_or_else(|| self.database.corrupted("an entry of the index of ids is no position"))?;
        let damaged = |detail: String| {
            let id = event.id;
            self.database
                .corrupted(format!("position {position}, where event {id} of `{stream}` should be, {detail}"))
        };
        let value = self.database.get(family::EVENTS, &key)?.ok_or_else(|| damaged("is empty".to_owned()))?;
        let mut names = Names::new();
        let recorded =
            Record::read(&value, &mut names).and_then(|record| record.into_recorded(position, &mut names));
        let recorded = recorded.map_err(|error| damaged(format!("holds no event: {error}")))?;
        if recorded.id != event.id || recorded.stream != *stream {
            return Err(damaged(format!("holds event {} of `{}`", recorded.id, recorded.stream)));
        }
        let same_content = recorded.same_content(event);
        Ok(Some(Known { version: recorded.version, position, same_content }))
    }

    fn check_condition(&mut self, condition: &AppendCondition) -> Result<()> {
        if let Some(at) = self.group.last_match(condition) {
            return Err(StoreError::ConditionFailed { at });
        }
        let mut from = self.head;
        while from > condition.after {
            let sought = Sought {
                filter: &condition.fail_if_events_match,
                direction: Direction::Backward,
                from,
                to: GlobalPosition::new(condition.after.get().saturating_add(1)),
                caching: Caching::Kept,
            };
            let walked = Search::new(self.database, sought)?.walk(|_, _, _| Ok(ControlFlow::Break(())))?;
            match walked {
                Walked::ToTheEnd => return Ok(()),
                Walked::Stopped(at) => return Err(StoreError::ConditionFailed { at }),
                Walked::GaveUp(next) => from = next,
            }
        }
        Ok(())
    }
}

/// Whether an event of these can have been stored: ids mostly rise along a stream, and are greater than all before.
fn may_be_known(append: &StreamAppend, head: &Head) -> bool {
    let least = append.events.iter().map(|event| event.id).min();
    head.version != Version::NONE && least <= head.greatest_id
}
