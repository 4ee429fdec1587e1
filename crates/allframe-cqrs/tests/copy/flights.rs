//! Real flights, from the store in memory to the durable one, in other streams.

use std::collections::BTreeMap;

use allframe_cqrs::{
    EventStoreBackend, ExpectedVersion, InMemoryBackend,
    copy::{CopyOrder, StoreCopy, originally_recorded_at},
};
use eventstore_wal::WalBackend;

use crate::stores::{event, records, stream};

const WEEK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/flights/data/flights-2013-01-week-1.csv");

/// The flights of a week: what happened to each, in a stream of its own.
async fn flights() -> InMemoryBackend {
    let store = InMemoryBackend::new();
    let mut rows = csv::Reader::from_path(WEEK).unwrap();
    let headers = rows.headers().unwrap().clone();
    for row in rows.records() {
        let row = row.unwrap();
        let columns: BTreeMap<&str, &str> = headers.iter().zip(row.iter()).collect();
        let payload = serde_json::to_string(&columns).unwrap();
        let happened = if columns["dep_time"] == "NA" { "FlightCancelled" } else { "FlightDeparted" };
        let name = format!(
            "{}{}-{}-{}",
            columns["carrier"], columns["flight"], columns["origin"], columns["time_hour"]
        );
        let events = ["FlightScheduled", happened].map(|name| event(name, &payload)).to_vec();
        store.append(&stream(&format!("flight-{name}")), ExpectedVersion::NoStream, events).await.unwrap();
    }
    store
}

/// What is written of each event: its stream and its name. Cancelled flights are dropped, departures are renamed, and what
/// happened at one airport on one day comes into one stream.
fn written(event_type: &str, payload: &[u8]) -> Option<(String, &'static str)> {
    let columns: BTreeMap<String, String> = serde_json::from_slice(payload).unwrap();
    let name = match event_type {
        "FlightCancelled" => return None,
        "FlightDeparted" => "Departed",
        _ => "FlightScheduled",
    };
    Some((format!("airport-{}-{}-{}", columns["origin"], columns["month"], columns["day"]), name))
}

#[tokio::test]
async fn a_week_of_flights_comes_to_a_durable_store_by_airport_and_day() {
    let old = flights().await;
    let before = records(&old).await;
    assert!(before.len() > 10_000);
    let directory = tempfile::tempdir().unwrap();
    let new = WalBackend::production(directory.path()).unwrap();
    let copy = StoreCopy::new("by-airport").from(&old).to(&new).transform(|record, output| {
        let Some((stream, name)) = written(record.event_type.as_str(), &record.payload) else {
            output.discard();
            return Ok(());
        };
        let mut event = output.event();
        event.event_type = name.try_into()?;
        output.write(stream, event);
        Ok::<(), allframe_cqrs::InvalidInput>(())
    });
    let report = copy.order(CopyOrder::Streams).run().await.unwrap();
    new.close().await.unwrap();
    drop(new);

    let mut expected: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for record in &before {
        if let Some((stream, name)) = written(record.event_type.as_str(), &record.payload) {
            let content = (record.id, name.to_owned(), record.payload.clone(), record.recorded_at);
            expected.entry(stream).or_default().push(content);
        }
    }
    let new = WalBackend::open_read_only(directory.path()).unwrap();
    for (name, events) in &expected {
        let copied = new.get_events(&stream(name)).await.unwrap().into_iter().map(|record| {
            let recorded_at = originally_recorded_at(&record);
            (record.id, record.event_type.to_string(), record.payload, recorded_at)
        });
        assert!(copied.eq(events.iter().cloned()), "{name}");
    }
    let cancelled =
        report.copied.by_type.iter().find(|(name, _)| name.as_str() == "FlightCancelled").unwrap().1;
    assert_eq!(cancelled.discarded, cancelled.read);
    assert_eq!(report.copied.read, before.len() as u64);
    assert_eq!(report.copied.written, expected.values().map(|events| events.len() as u64).sum::<u64>());
    // Three airports, seven days, and the copy's own stream.
    assert_eq!(new.stats().await.unwrap().total_streams, 3 * 7 + 1);
}
