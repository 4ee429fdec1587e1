use std::collections::HashMap;

use eventstore_api::{Appended, GlobalPosition, StreamId, Tag, Version};

use super::{
    Action, Attempt, History, LoggedEvent, Operation, Outcome, TagCondition, Violation,
    batches::Batches,
    timeline::{State, Stretch, Timeline},
    violation::ViolationKind,
};

/// What a legal history consisted of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Appends that took effect, those among them whose outcome nobody was told.
    pub stored: usize,
    /// Appends that were answered with an earlier append's outcome.
    pub retried: usize,
    /// Appends whose guard did not hold.
    pub wrong_version: usize,
    /// Appends whose condition did not hold.
    pub condition_failed: usize,
    /// Appends whose outcome nobody was told, whether they took effect or not.
    pub unknown: usize,
    /// Reads.
    pub reads: usize,
}

/// Whether a history has a legal sequential order. It is a pure function, and takes O(n log n).
///
/// # Errors
///
/// The first thing found that no order explains.
pub fn check(history: &History) -> Result<Summary, Violation> {
    for operation in &history.operations {
        check_form(operation).map_err(|kind| violation(operation, kind))?;
    }
    let batches = Batches::gather(history)?;
    let timeline = replay(history, &batches)?;
    check_log(history, &batches)?;
    check_order(history, &batches, &timeline)
}

pub(super) fn violation(operation: &Operation, kind: ViolationKind) -> Violation {
    Violation { operation: Some(Box::new(operation.clone())), kind }
}

/// What must be true of an operation by itself.
fn check_form(operation: &Operation) -> Result<(), ViolationKind> {
    if operation.responded <= operation.invoked {
        return Err(ViolationKind::Malformed("it was answered before it was asked"));
    }
    let Action::Append(attempt) = &operation.action else { return Ok(()) };
    if attempt.writes.is_empty() || attempt.writes.iter().any(|write| write.ids.is_empty()) {
        return Err(ViolationKind::Malformed("it appends nothing"));
    }
    let Outcome::Stored(outcomes) = &attempt.outcome else { return Ok(()) };
    if outcomes.len() != attempt.writes.len() {
        return Err(ViolationKind::Malformed("there are not as many outcomes as streams"));
    }
    for (outcome, write) in outcomes.iter().zip(&attempt.writes) {
        let Appended { stream, first_version, last_version, first_position, last_position, .. } = outcome;
        if *stream != write.stream {
            return Err(ViolationKind::Malformed("the outcomes name other streams than the batch"));
        }
        if last_version.get() - first_version.get() + 1 != write.ids.len() as u64 {
            return Err(ViolationKind::Malformed("the versions are not as many as the events"));
        }
        if (first_position < last_position) != (write.ids.len() > 1) || first_position > last_position {
            return Err(ViolationKind::Malformed("the positions do not rise with the events"));
        }
    }
    Ok(())
}

/// Takes the stored appends one after the other, each at its place, and checks its versions, guards and condition there.
fn replay(history: &History, batches: &Batches<'_>) -> Result<Timeline, Violation> {
    let mut timeline = Timeline::default();
    let mut last_tagged: HashMap<&Tag, GlobalPosition> = HashMap::new();
    let mut last = GlobalPosition::START;
    for batch in batches.in_order() {
        let (operation, attempt, outcomes) = (batch.operation(history), batch.attempt, &batch.outcomes);
        let position = batch.effect();
        if position <= last {
            return Err(violation(operation, ViolationKind::PositionTwice(position)));
        }
        last = position;
        check_place(attempt, outcomes, &timeline, &last_tagged).map_err(|kind| violation(operation, kind))?;
        timeline.next_state(position);
        for (write, outcome) in attempt.writes.iter().zip(&**outcomes) {
            timeline.change(&write.stream, outcome.last_version, write.tag.clone());
            if let Some(tag) = &write.tag {
                last_tagged.insert(tag, outcome.last_position);
            }
        }
    }
    Ok(timeline)
}

fn check_place(
    attempt: &Attempt,
    outcomes: &[Appended],
    timeline: &Timeline,
    last_tagged: &HashMap<&Tag, GlobalPosition>,
) -> Result<(), ViolationKind> {
    for (write, outcome) in attempt.writes.iter().zip(outcomes) {
        let before = timeline.version(&write.stream);
        if outcome.first_version != before.next() {
            let (stream, assigned) = (write.stream.clone(), outcome.first_version);
            return Err(ViolationKind::VersionsDoNotFollow { stream, before, assigned });
        }
    }
    for (stream, expected) in demands(attempt) {
        let actual = timeline.version(stream);
        if !expected.is_met_by(actual) {
            return Err(ViolationKind::GuardDidNotHold { stream: stream.clone(), expected, actual });
        }
    }
    let Some(TagCondition { tag, after }) = &attempt.condition else { return Ok(()) };
    match last_tagged.get(tag) {
        Some(&at) if at > *after => Err(ViolationKind::ConditionDidNotHold { at }),
        _ => Ok(()),
    }
}

/// Every guard of a batch, in the order in which they are checked.
fn demands(attempt: &Attempt) -> impl Iterator<Item = (&StreamId, eventstore_api::ExpectedVersion)> {
    let writes = attempt.writes.iter().map(|write| (&write.stream, write.expected));
    writes.chain(attempt.guards.iter().map(|(stream, expected)| (stream, *expected)))
}

/// The store holds what was acknowledged, where it was said to be, and nothing else.
fn check_log(history: &History, batches: &Batches<'_>) -> Result<(), Violation> {
    let mut streams: HashMap<&StreamId, Vec<&LoggedEvent>> = HashMap::new();
    for event in &history.log {
        streams.entry(&event.stream).or_default().push(event);
    }
    let mut acknowledged = 0;
    for batch in batches.in_order() {
        let operation = batch.operation(history);
        for (write, outcome) in batch.attempt.writes.iter().zip(&*batch.outcomes) {
            acknowledged += write.ids.len();
            for (offset, &id) in (0..).zip(&write.ids) {
                let version = outcome.first_version.plus(offset);
                let stored = streams
                    .get(&write.stream)
                    .and_then(|events| events.get(usize::try_from(version.get() - 1).ok()?));
                let fits = stored.is_some_and(|stored| {
                    stored.id == id
                        && stored.version == version
                        && (version != outcome.first_version || stored.position == outcome.first_position)
                        && (version != outcome.last_version || stored.position == outcome.last_position)
                });
                if !fits {
                    let stream = write.stream.clone();
                    return Err(violation(operation, ViolationKind::NotInTheStore { stream, version, id }));
                }
            }
        }
    }
    let in_order = history.log.is_sorted_by(|a, b| a.position < b.position);
    if acknowledged == history.log.len() && in_order {
        return Ok(());
    }
    let kind = ViolationKind::NotAcknowledged { acknowledged, stored: history.log.len() };
    Err(Violation { operation: None, kind })
}

/// Gives every operation the earliest state that explains its answer and does not lie before anything that had been
/// answered when it was asked. As every answer is true during one stretch of states, the earliest is never a worse choice.
fn check_order(history: &History, batches: &Batches<'_>, timeline: &Timeline) -> Result<Summary, Violation> {
    let mut moments: Vec<(u64, usize, Moment)> = Vec::with_capacity(history.operations.len() * 2);
    for (index, operation) in history.operations.iter().enumerate() {
        moments.push((operation.invoked, index, Moment::Asked));
        moments.push((operation.responded, index, Moment::Answered));
    }
    moments.sort_unstable_by_key(|&(time, ..)| time);

    let mut summary = Summary::default();
    let mut places: Vec<State> = vec![0; history.operations.len()];
    let mut seen: State = 0;
    for (_, index, moment) in moments {
        match moment {
            Moment::Asked => {
                let operation = &history.operations[index];
                let stretch = explain(index, history, batches, timeline, &mut summary)
                    .map_err(|kind| violation(operation, kind))?;
                // What takes effect cannot have been seen before it was asked for.
                let earliest = if batches.took_effect_by(index) { seen + 1 } else { seen };
                let place = stretch.from.max(earliest);
                if place > stretch.to {
                    let kind = match batches.took_effect_by(index) {
                        true => ViolationKind::BeforeItsTime {
                            position: timeline.position(stretch.to),
                            seen: timeline.position(seen),
                        },
                        false => too_late(stretch),
                    };
                    return Err(violation(operation, kind));
                }
                places[index] = place;
            }
            // Whoever was not told the outcome has seen nothing: it may take effect long afterwards.
            Moment::Answered if is_unknown(&history.operations[index]) => {}
            Moment::Answered => seen = seen.max(places[index]),
        }
    }
    Ok(summary)
}

#[derive(Clone, Copy)]
enum Moment {
    Asked,
    Answered,
}

fn too_late(stretch: Stretch) -> ViolationKind {
    if stretch.from > stretch.to {
        return ViolationKind::Unexplained("it was never true");
    }
    ViolationKind::Unexplained("it was no longer true when it was asked")
}

fn is_unknown(operation: &Operation) -> bool {
    matches!(&operation.action, Action::Append(attempt) if attempt.outcome == Outcome::Unknown)
}

/// The states in which an operation's answer is true.
fn explain(
    index: usize,
    history: &History,
    batches: &Batches<'_>,
    timeline: &Timeline,
    summary: &mut Summary,
) -> Result<Stretch, ViolationKind> {
    let attempt = match &history.operations[index].action {
        Action::Append(attempt) => attempt,
        Action::ReadVersion { stream, version } => {
            summary.reads += 1;
            return timeline
                .while_version(stream, *version)
                .ok_or(ViolationKind::Unexplained("the stream never ended with that version"));
        }
        Action::ReadHead { head } => {
            summary.reads += 1;
            return timeline
                .while_head(*head)
                .ok_or(ViolationKind::Unexplained("the store never ended with that position"));
        }
    };
    let state = batches.state(attempt);
    // Of a batch that is stored, an attempt is only refused before that: afterwards it would be a retry.
    let before_stored = Stretch { from: 0, to: state.map_or(State::MAX, |state| state - 1) };
    match &attempt.outcome {
        Outcome::Unknown => {
            summary.unknown += 1;
            match state {
                Some(state) if batches.took_effect_by(index) => {
                    summary.stored += 1;
                    Ok(Stretch { from: state, to: state })
                }
                _ => Ok(Stretch::EVER),
            }
        }
        Outcome::Stored(_) => {
            let state = state.expect("a stored batch has a state");
            if batches.took_effect_by(index) {
                summary.stored += 1;
                Ok(Stretch { from: state, to: state })
            } else {
                summary.retried += 1;
                Ok(Stretch { from: state, to: State::MAX })
            }
        }
        Outcome::WrongExpectedVersion { stream, actual } => {
            summary.wrong_version += 1;
            Ok(while_wrong(attempt, stream, *actual, timeline)?.and(before_stored))
        }
        Outcome::ConditionFailed { at } => {
            summary.condition_failed += 1;
            Ok(while_excluded(attempt, *at, history, timeline)?.and(before_stored))
        }
    }
}

/// When a guard failed with this version, and those before it held.
fn while_wrong(
    attempt: &Attempt,
    stream: &StreamId,
    actual: Version,
    timeline: &Timeline,
) -> Result<Stretch, ViolationKind> {
    let mut stretch = Stretch::EVER;
    for (guarded, expected) in demands(attempt) {
        if guarded == stream {
            if expected.is_met_by(actual) {
                return Err(ViolationKind::Unexplained("the guard holds at the version that it failed with"));
            }
            let wrong = timeline.while_version(stream, actual);
            let wrong =
                wrong.ok_or(ViolationKind::Unexplained("the stream never ended with that version"))?;
            return Ok(stretch.and(wrong));
        }
        stretch = stretch.and(while_held(guarded, expected, timeline)?);
    }
    Err(ViolationKind::Unexplained("the batch has no guard on that stream"))
}

/// When the event at this position failed the condition, and every guard held.
fn while_excluded(
    attempt: &Attempt,
    at: GlobalPosition,
    history: &History,
    timeline: &Timeline,
) -> Result<Stretch, ViolationKind> {
    let Some(TagCondition { tag, after }) = &attempt.condition else {
        return Err(ViolationKind::Unexplained("the batch has no condition"));
    };
    if at <= *after {
        return Err(ViolationKind::Unexplained("the condition does not look at that position"));
    }
    let named = history.log.binary_search_by_key(&at, |event| event.position).ok();
    let mut stretch = named
        .and_then(|found| timeline.since_tagged(&history.log[found], tag))
        .ok_or(ViolationKind::Unexplained("no event with the tag lies at that position"))?;
    for (guarded, expected) in demands(attempt) {
        stretch = stretch.and(while_held(guarded, expected, timeline)?);
    }
    Ok(stretch)
}

fn while_held(
    stream: &StreamId,
    expected: eventstore_api::ExpectedVersion,
    timeline: &Timeline,
) -> Result<Stretch, ViolationKind> {
    timeline
        .while_holds(stream, expected)
        .ok_or(ViolationKind::Unexplained("a guard that is checked earlier never held"))
}
