use std::{borrow::Cow, collections::HashMap};

use eventstore_api::{Appended, EventId, GlobalPosition, StreamId};

use super::{
    Action, Attempt, History, LoggedEvent, Operation, Outcome, Violation, Write, checker::violation,
    timeline::State, violation::ViolationKind,
};

/// The batches that took effect. Attempts of the same batch belong together: it takes effect once.
pub(super) struct Batches<'h> {
    /// In the order in which they took effect.
    in_order: Vec<StoredBatch<'h>>,
    /// The state that each of them brought about.
    states: HashMap<BatchKey<'h>, State>,
    /// The operations by which they did.
    causes: Vec<bool>,
}

/// A batch that took effect.
pub(super) struct StoredBatch<'h> {
    pub(super) attempt: &'h Attempt,
    /// What was answered, or would have been.
    pub(super) outcomes: Cow<'h, [Appended]>,
    /// The first operation that asked for it, of those that may have brought it about.
    cause: usize,
}

/// Who a batch is: the first of its events, in its stream.
type BatchKey<'h> = (&'h StreamId, EventId);

/// Where in the store each event is.
type Places<'h> = HashMap<(&'h StreamId, EventId), &'h LoggedEvent>;

impl<'h> Batches<'h> {
    pub(super) fn gather(history: &'h History) -> Result<Self, Violation> {
        let mut stored: HashMap<BatchKey<'h>, StoredBatch<'h>> = HashMap::new();
        for (index, operation) in history.operations.iter().enumerate() {
            let Action::Append(attempt) = &operation.action else { continue };
            let Outcome::Stored(outcomes) = &attempt.outcome else { continue };
            let new = StoredBatch { attempt, outcomes: Cow::Borrowed(outcomes), cause: index };
            let batch = stored.entry(key(attempt)).or_insert(new);
            if *batch.outcomes != **outcomes {
                return Err(violation(operation, ViolationKind::AnsweredInTwoWays));
            }
            batch.attempted(index, operation, attempt, history)?;
        }
        let mut places = None;
        for (index, operation) in history.operations.iter().enumerate() {
            let Action::Append(attempt) = &operation.action else { continue };
            if attempt.outcome != Outcome::Unknown {
                continue;
            }
            if let Some(batch) = stored.get_mut(&key(attempt)) {
                batch.attempted(index, operation, attempt, history)?;
                continue;
            }
            let places = places.get_or_insert_with(|| places_of(&history.log));
            if let Some(outcomes) = found(attempt, places).map_err(|kind| violation(operation, kind))? {
                let outcomes = Cow::Owned(outcomes);
                stored.insert(key(attempt), StoredBatch { attempt, outcomes, cause: index });
            }
        }
        let mut in_order: Vec<StoredBatch<'h>> = stored.into_values().collect();
        in_order.sort_unstable_by_key(StoredBatch::effect);
        let mut causes = vec![false; history.operations.len()];
        let mut states = HashMap::with_capacity(in_order.len());
        for (number, batch) in in_order.iter().enumerate() {
            states.insert(key(batch.attempt), number + 1);
            causes[batch.cause] = true;
        }
        Ok(Self { in_order, states, causes })
    }

    pub(super) fn in_order(&self) -> &[StoredBatch<'h>] {
        &self.in_order
    }

    /// The state that an attempt's batch brought about, if it took effect.
    pub(super) fn state(&self, attempt: &Attempt) -> Option<State> {
        self.states.get(&key(attempt)).copied()
    }

    /// Whether this operation stored its batch, rather than being a retry or storing nothing.
    pub(super) fn took_effect_by(&self, index: usize) -> bool {
        self.causes[index]
    }
}

impl StoredBatch<'_> {
    /// The operation by which it took effect.
    pub(super) fn operation<'a>(&self, history: &'a History) -> &'a Operation {
        &history.operations[self.cause]
    }

    /// Where it took effect: with the last of its events.
    pub(super) fn effect(&self) -> GlobalPosition {
        self.outcomes.iter().map(|outcome| outcome.last_position).max().unwrap_or_default()
    }

    /// Another operation asked for it. The one that asked first is never a worse choice for the one that stored it: it
    /// leaves the most room, and the others are then retries.
    fn attempted(
        &mut self,
        index: usize,
        operation: &Operation,
        attempt: &Attempt,
        history: &History,
    ) -> Result<(), Violation> {
        if !self.attempt.writes.iter().zip(&attempt.writes).all(|(a, b)| a.ids == b.ids) {
            return Err(violation(operation, ViolationKind::AnsweredInTwoWays));
        }
        if operation.invoked < self.operation(history).invoked {
            self.cause = index;
        }
        Ok(())
    }
}

fn key(attempt: &Attempt) -> BatchKey<'_> {
    (&attempt.writes[0].stream, attempt.writes[0].ids[0])
}

fn places_of(log: &[LoggedEvent]) -> Places<'_> {
    log.iter().map(|event| ((&event.stream, event.id), event)).collect()
}

/// What an append would have been answered of which nobody was told the outcome; none where it did not happen.
fn found(attempt: &Attempt, places: &Places<'_>) -> Result<Option<Vec<Appended>>, ViolationKind> {
    let ids = attempt.writes.iter().flat_map(|write| write.ids.iter().map(|id| (&write.stream, *id)));
    let (there, missing): (Vec<_>, Vec<_>) = ids.partition(|place| places.contains_key(place));
    match (there.is_empty(), missing.is_empty()) {
        (true, _) => Ok(None),
        (false, true) => {
            attempt.writes.iter().map(|write| part(write, places)).collect::<Result<_, _>>().map(Some)
        }
        (false, false) => Err(ViolationKind::StoredInPart { stored: there.len(), missing: missing.len() }),
    }
}

fn part(write: &Write, places: &Places<'_>) -> Result<Appended, ViolationKind> {
    let place = |id: &EventId| places[&(&write.stream, *id)];
    let (first, last) = (place(&write.ids[0]), place(&write.ids[write.ids.len() - 1]));
    for (offset, id) in (0..).zip(&write.ids) {
        let version = first.version.plus(offset);
        if place(id).version != version {
            return Err(ViolationKind::NotInTheStore { stream: write.stream.clone(), version, id: *id });
        }
    }
    Ok(Appended::new(write.stream.clone(), (first.version, first.position), (last.version, last.position)))
}
