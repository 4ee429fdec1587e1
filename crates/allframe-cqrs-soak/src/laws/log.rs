//! The log as a whole: its order, what readers saw of it, its counts.

use std::collections::{BTreeMap, HashMap};

use allframe_cqrs::{
    EventFilter, EventStoreBackend, GlobalPosition, ReadAll, Recorded, StreamId, Version,
    api::{BackendStats, RecordedEvent, SnapshotStreams},
};
use anyhow::ensure;

use crate::{bank::BankEvent, child::Trace, store::Store};

pub(super) async fn read(store: &Store) -> anyhow::Result<Vec<RecordedEvent>> {
    let mut events = Vec::new();
    let mut query = ReadAll::forward();
    loop {
        let page = store.backend().read_all(&query).await?;
        query = query.next_page(&page);
        events.extend(page.events);
        if page.end_reached {
            return Ok(events);
        }
    }
}

/// What the bank stored, without what the toolkit did for itself.
pub(super) async fn read_typed(store: &Store) -> anyhow::Result<Vec<Recorded<BankEvent>>> {
    let mut events = Vec::new();
    let mut catch_up = store.catch_up(GlobalPosition::START, EventFilter::all());
    while let Some(event) = catch_up.next_stored().await? {
        events.push(event);
    }
    Ok(events)
}

/// Positions rise, versions are dense, time does not run backwards, no id is in a stream twice.
pub(super) fn order(events: &[RecordedEvent]) -> anyhow::Result<()> {
    let mut versions: HashMap<&StreamId, Version> = HashMap::new();
    for (event, next) in events.iter().zip(events.iter().skip(1)) {
        ensure!(event.position < next.position, "{next:?} stands behind {}", event.position);
        ensure!(event.recorded_at <= next.recorded_at, "{next:?} was recorded before the one in front of it");
    }
    for event in events {
        let version = versions.entry(&event.stream).or_insert(Version::NONE);
        ensure!(event.version == version.next(), "{event:?} follows version {version} of its stream");
        *version = event.version;
    }
    let ids = super::tally(events.iter().map(|it| (&it.stream, it.id)));
    let twice = ids.iter().find(|(_, count)| **count > 1);
    ensure!(twice.is_none(), "{twice:?} is there twice");
    Ok(())
}

/// What a reader had seen up to a position is what stands there.
pub(super) fn traces(events: &[RecordedEvent], seen: &[Trace]) -> anyhow::Result<()> {
    let mut expected = BTreeMap::new();
    let mut trace = Trace::default();
    for event in events {
        trace.see(event)?;
        expected.insert(trace.position, trace);
    }
    for seen in seen {
        let there = expected.get(&seen.position);
        ensure!(there == Some(seen), "a reader had seen {seen:?}, and there is {there:?}");
    }
    Ok(())
}

pub(super) async fn counts(store: &Store, events: &[RecordedEvent]) -> anyhow::Result<()> {
    let mut snapshots = 0;
    let mut streams = SnapshotStreams::of(store.backend());
    while streams.next().await?.is_some() {
        snapshots += 1;
    }
    are_counted(&store.stats().await?, events, snapshots)
}

fn are_counted(stats: &BackendStats, events: &[RecordedEvent], snapshots: u64) -> anyhow::Result<()> {
    let streams = super::tally(events.iter().map(|it| &it.stream)).len() as u64;
    let head = events.last().map(|it| it.position).unwrap_or_default();
    let counted = (stats.total_events, stats.total_streams, stats.total_snapshots, stats.head);
    let there = (events.len() as u64, streams, snapshots, head);
    ensure!(counted == there, "counted are {counted:?}, and there are {there:?}");
    Ok(())
}

/// Each stream by itself, by what the whole log says of it.
pub(super) async fn streams(store: &Store, events: &[RecordedEvent]) -> anyhow::Result<()> {
    let mut streams: BTreeMap<&StreamId, Vec<&RecordedEvent>> = BTreeMap::new();
    for event in events {
        streams.entry(&event.stream).or_default().push(event);
    }
    // Those of sagas and keys are many, and alike: one in so many.
    let few = streams.iter().enumerate().filter(|(index, (stream, _))| {
        index.is_multiple_of(50) || !stream.as_str().starts_with("saga-") && !stream.as_str().starts_with('$')
    });
    for (_, (stream, expected)) in few {
        let read = store.backend().get_events(stream).await?;
        ensure!(read.iter().eq(expected.iter().copied()), "{stream} read by itself is another one");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use allframe_cqrs::api::{EventType, Snapshot};

    use super::*;
    use crate::store::open;

    async fn some() -> Vec<RecordedEvent> {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path(), 0).unwrap();
        for number in 0..3 {
            let event = BankEvent::Noted { text: number.to_string() };
            store.append(format!("notes-{}", number % 2), vec![event]).await.unwrap();
        }
        let events = read(&store).await.unwrap();
        counts(&store, &events).await.unwrap();
        streams(&store, &events).await.unwrap();
        assert!(counts(&store, &events[..2]).await.is_err());
        events
    }

    #[tokio::test]
    async fn a_snapshot_that_is_not_counted_and_one_that_is_counted_and_not_there_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path(), 0).unwrap();
        let (stream, state) = (StreamId::new("kept-0").unwrap(), EventType::new("Kept").unwrap());
        let snapshot = Snapshot::new(stream, Version::new(7), state, "some");
        store.backend().save_snapshot(snapshot).await.unwrap();
        counts(&store, &[]).await.unwrap();
        let stats = store.stats().await.unwrap();
        for others in [0, 2] {
            assert!(are_counted(&stats, &[], others).unwrap_err().to_string().contains("counted are"));
        }
    }

    #[tokio::test]
    async fn a_hole_and_a_repetition_are_found() {
        let events = some().await;
        order(&events).unwrap();
        assert!(order(&events[1..]).unwrap_err().to_string().contains("follows version 0"));
        let twice = [&events[..], &events[2..]].concat();
        assert!(order(&twice).unwrap_err().to_string().contains("stands behind"));
    }

    #[tokio::test]
    async fn an_event_that_a_reader_did_not_see_at_its_position_is_found() {
        let events = some().await;
        let mut seen = Trace::default();
        seen.see(&events[0]).unwrap();
        seen.see(&events[2]).unwrap();
        assert!(traces(&events, &[seen]).unwrap_err().to_string().contains("a reader had seen"));
        let mut all = Trace::default();
        events.iter().for_each(|event| all.see(event).unwrap());
        traces(&events, &[all]).unwrap();
    }
}
