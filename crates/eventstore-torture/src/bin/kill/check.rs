//! Whether a store holds what it should: all that was acknowledged, nothing by half, nothing that nobody submitted.

use std::collections::{BTreeMap, HashMap};

use eventstore_api::{
    Appended, EventFilter, EventStoreBackend, GlobalPosition, ReadAll, RecordedEvent, StoreError, StreamId,
    Tags, Version, message_with_causes,
};
use eventstore_torture::{chance::Chance, violation::Violation};

use crate::{
    ledger::Ledger,
    plan::{Name, Planned},
};

const STREAMS_READ: usize = 12;

/// Reads everything and holds it against the ledger; then appends again what may have been on its way when its process was
/// killed, which is noted in the ledger.
pub(crate) async fn check(
    store: &dyn EventStoreBackend,
    ledger: &mut Ledger,
    lives: &[u32],
    chance: &mut Chance,
) -> Result<(), Violation> {
    let events = read(store, &ReadAll::forward()).await?;
    let found = contents(&events, ledger)?;
    agree_with(store, &events, chance).await?;

    let mut head = events.len() as u64;
    for (name, entry) in &mut ledger.entries {
        if !lives.contains(&name.life) {
            continue;
        }
        let before = entry.outcome.as_ref().or_else(|| found.get(name));
        let answer =
            store.append_all(entry.planned.batch.clone()).await.map_err(|error| refused(name, &error))?;
        match before {
            Some(before) => ensure(answer == *before, || {
                format!("{name:?} stands at {before:?}, and appended again is answered with {answer:?}")
            })?,
            None => {
                let first = answer.first().map(|outcome| outcome.first_position.get());
                ensure(first == Some(head + 1), || {
                    format!("{name:?} was not there, and goes to {answer:?}")
                })?;
                head += entry.planned.batch.event_count() as u64;
            }
        }
        entry.outcome = Some(answer);
    }
    let events = read(store, &ReadAll::forward()).await?;
    ensure(events.len() as u64 == head, || {
        format!("{} events after the repetitions, where {head} should be", events.len())
    })?;
    contents(&events, ledger).map(|_| ()).map_err(|wrong| wrong.during("after the repetitions"))
}

/// Goes through all events in their order, and answers with where each append is.
fn contents(events: &[RecordedEvent], ledger: &Ledger) -> Result<HashMap<Name, Vec<Appended>>, Violation> {
    order(events)?;
    let mut found: HashMap<Name, Vec<Appended>> = HashMap::new();
    let mut rest = events;
    while let Some(first) = rest.first() {
        let name = Name::of(first.id);
        let Some(entry) = ledger.entries.get(&name) else {
            return Err(Violation::new(format!("{first:?} was never submitted")));
        };
        let count = entry.planned.batch.event_count();
        let Some((stored, behind)) = rest.split_at_checked(count) else {
            return Err(Violation::new(format!("{name:?} is there by half, at the end of the log")));
        };
        same(&entry.planned, stored)?;
        let outcome = placed(&entry.planned, stored);
        if let Some(acknowledged) = &entry.outcome {
            ensure(*acknowledged == outcome, || {
                format!("{name:?} was acknowledged at {acknowledged:?} and is at {outcome:?}")
            })?;
        }
        if let Some(before) = found.insert(name, outcome) {
            return Err(Violation::new(format!("{name:?} is there twice, first at {before:?}")));
        }
        rest = behind;
    }
    let lost =
        ledger.entries.iter().find(|(name, entry)| entry.outcome.is_some() && !found.contains_key(name));
    match lost {
        None => Ok(found),
        Some((name, entry)) => {
            Err(Violation::new(format!("{name:?} was acknowledged at {:?} and is gone", entry.outcome)))
        }
    }
}

/// Positions and versions without a gap, and a time that does not run backwards.
fn order(events: &[RecordedEvent]) -> Result<(), Violation> {
    let mut versions: HashMap<&StreamId, Version> = HashMap::new();
    let mut before: Option<&RecordedEvent> = None;
    for (position, event) in (1..).map(GlobalPosition::new).zip(events) {
        ensure(event.position == position, || format!("{event:?} stands where position {position} should"))?;
        let version = versions.entry(&event.stream).or_insert(Version::NONE);
        ensure(event.version == version.next(), || {
            format!("{event:?} follows version {version} of its stream")
        })?;
        *version = event.version;
        ensure(before.is_none_or(|before| before.recorded_at <= event.recorded_at), || {
            format!("{event:?} was recorded before the one in front of it")
        })?;
        before = Some(event);
    }
    Ok(())
}

fn same(planned: &Planned, stored: &[RecordedEvent]) -> Result<(), Violation> {
    for ((stream, event), stored) in planned.events().zip(stored) {
        ensure(Name::of(stored.id) == planned.name, || {
            format!("{:?} is there by half: {stored:?} stands among its events", planned.name)
        })?;
        let same = stored.id == event.id && stored.stream == *stream && stored.same_content(event);
        ensure(same, || format!("{stored:?} is not what was submitted: {event:?} to {stream}"))?;
    }
    Ok(())
}

/// What the answer to this append is, by where its events are.
fn placed(planned: &Planned, mut stored: &[RecordedEvent]) -> Vec<Appended> {
    let mut outcomes = Vec::new();
    for append in &planned.batch.appends {
        let (events, behind) = stored.split_at_checked(append.events.len()).unwrap_or((stored, &[]));
        if let (Some(first), Some(last)) = (events.first(), events.last()) {
            let place = |event: &RecordedEvent| (event.version, event.position);
            outcomes.push(Appended::new(append.stream.clone(), place(first), place(last)));
        }
        stored = behind;
    }
    outcomes
}

/// The counts, some streams by themselves, and one tag, by what the whole log says of them.
async fn agree_with(
    store: &dyn EventStoreBackend,
    events: &[RecordedEvent],
    chance: &mut Chance,
) -> Result<(), Violation> {
    let mut streams: BTreeMap<&StreamId, Vec<&RecordedEvent>> = BTreeMap::new();
    for event in events {
        streams.entry(&event.stream).or_default().push(event);
    }
    let stats = store.stats().await.map_err(|error| refused("the counts", &error))?;
    let counted = (stats.total_events, stats.total_streams, stats.head.get());
    let there = (events.len() as u64, streams.len() as u64, events.len() as u64);
    ensure(counted == there, || format!("counted are {counted:?}, and there are {there:?}"))?;

    for _ in 0..STREAMS_READ {
        let Some((stream, expected)) = streams.iter().nth(chance.below(streams.len())) else { break };
        let read = store.get_events(stream).await.map_err(|error| refused(stream, &error))?;
        ensure(read.iter().eq(expected.iter().copied()), || {
            format!("{stream} read by itself is another one")
        })?;
    }
    let task = format!("task:{}", chance.below(3));
    let tags = Tags::parse([task.clone()]).map_err(|error| Violation::new(error.to_string()))?;
    let tagged = read(store, &ReadAll::forward().filter(EventFilter::tagged(tags))).await?;
    let expected = events.iter().filter(|event| event.tags.contains(&task));
    ensure(tagged.iter().eq(expected), || format!("what is tagged {task} is not what the index finds"))
}

async fn read(store: &dyn EventStoreBackend, query: &ReadAll) -> Result<Vec<RecordedEvent>, Violation> {
    let mut query = query.clone();
    let mut events = Vec::new();
    loop {
        let page = store.read_all(&query).await.map_err(|error| refused("reading everything", &error))?;
        query = query.next_page(&page);
        events.extend(page.events);
        if page.end_reached {
            return Ok(events);
        }
    }
}

fn refused(what: impl std::fmt::Debug, error: &StoreError) -> Violation {
    Violation::new(format!("{what:?}: {}", message_with_causes(error)))
}

fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation::new(wrong())) }
}

#[cfg(test)]
mod tests {
    use eventstore_api::{AppendBatch, Tag};
    use eventstore_wal::WalBackend;

    use super::*;
    use crate::{ledger::Entry, plan::Plan};

    const SEED: u64 = 7;

    fn plan(count: usize) -> Vec<Planned> {
        let mut plan = Plan::new(SEED, 0, 0);
        (0..count).map(|_| plan.next().unwrap()).collect()
    }

    async fn store_of(batches: impl IntoIterator<Item = AppendBatch>) -> (WalBackend, Vec<Vec<Appended>>) {
        let store = WalBackend::new().unwrap();
        let mut outcomes = Vec::new();
        for batch in batches {
            outcomes.push(store.append_all(batch).await.unwrap());
        }
        (store, outcomes)
    }

    fn ledger(planned: &[Planned], outcomes: &[Vec<Appended>]) -> Ledger {
        let mut ledger = Ledger::default();
        for (index, planned) in planned.iter().enumerate() {
            let entry = Entry { planned: planned.clone(), outcome: outcomes.get(index).cloned() };
            ledger.entries.insert(planned.name, entry);
        }
        ledger
    }

    async fn checked(store: &WalBackend, mut ledger: Ledger) -> String {
        match check(store, &mut ledger, &[0], &mut Chance::new(SEED)).await {
            Ok(()) => "well".to_owned(),
            Err(wrong) => wrong.to_string(),
        }
    }

    fn batches(planned: &[Planned]) -> impl Iterator<Item = AppendBatch> {
        planned.iter().map(|planned| planned.batch.clone())
    }

    #[tokio::test]
    async fn what_was_on_its_way_may_be_there_or_not() {
        let planned = plan(10);
        for stored in [9, 10] {
            let (store, outcomes) = store_of(batches(&planned[..stored])).await;
            assert_eq!(checked(&store, ledger(&planned, &outcomes[..9])).await, "well");
        }
    }

    #[tokio::test]
    async fn a_lost_append_is_found() {
        let planned = plan(10);
        let (_, outcomes) = store_of(batches(&planned)).await;
        let (store, _) = store_of(batches(&planned[..9])).await;
        let wrong = checked(&store, ledger(&planned, &outcomes)).await;
        assert!(wrong.contains("was acknowledged at") && wrong.contains("is gone"), "{wrong}");
    }

    #[tokio::test]
    async fn an_append_in_another_place_than_acknowledged_is_found() {
        let planned = plan(2);
        let (store, mut outcomes) = store_of(batches(&planned)).await;
        outcomes[1][0].last_position = GlobalPosition::new(99);
        let wrong = checked(&store, ledger(&planned, &outcomes)).await;
        assert!(wrong.contains("was acknowledged at") && wrong.contains("and is at"), "{wrong}");
    }

    #[tokio::test]
    async fn an_event_that_was_not_submitted_is_found() {
        let planned = plan(3);
        let (store, outcomes) = store_of(batches(&planned)).await;
        let wrong = checked(&store, ledger(&planned[..2], &outcomes)).await;
        assert!(wrong.contains("was never submitted"), "{wrong}");
    }

    #[tokio::test]
    async fn half_an_append_is_found_at_the_end_and_before_it() {
        let planned = plan(40);
        let index = planned.iter().rposition(|planned| planned.batch.appends.len() > 1).unwrap();
        let mut half = planned[index].batch.clone();
        half.appends.truncate(1);
        let (store, outcomes) = store_of(batches(&planned[..index]).chain([half])).await;
        let wrong = checked(&store, ledger(&planned[..=index], &outcomes[..index])).await;
        assert!(wrong.contains("by half, at the end"), "{wrong}");

        let mut other = Plan::new(SEED, 0, 1);
        let others: Vec<Planned> = (0..9).map(|_| other.next().unwrap()).collect();
        for planned in &others {
            store.append_all(planned.batch.clone()).await.unwrap();
        }
        let mut all = ledger(&planned[..=index], &outcomes[..index]);
        all.entries.extend(ledger(&others, &[]).entries);
        let wrong = checked(&store, all).await;
        assert!(wrong.contains("by half: "), "{wrong}");
    }

    #[tokio::test]
    async fn other_content_than_submitted_is_found() {
        let planned = plan(3);
        let mut changed = planned.clone();
        let event = &mut changed[2].batch.appends[0].events[0];
        event.tags = Tags::new([Tag::of("task", 9).unwrap()]).unwrap();
        let (store, outcomes) = store_of(batches(&changed)).await;
        let wrong = checked(&store, ledger(&planned, &outcomes)).await;
        assert!(wrong.contains("is not what was submitted"), "{wrong}");
    }
}
