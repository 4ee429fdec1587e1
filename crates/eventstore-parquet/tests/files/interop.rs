//! Other tools read the files: pyarrow sees the same rows, and DuckDB runs SQL over them.
//!
//! `cargo xtask test` gets a Python with both ready, and says which in `EVENTSTORE_TEST_PYTHON`. Without it these tests say
//! that they are skipped.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test says what went wrong by failing, and that it was skipped"
)]

use std::{collections::BTreeMap, fmt::Write as _, process::Command};

use crate::support::{small_groups, usual, write};
use eventstore_api::{Encoding, Metadata, RecordedEvent, Tag};
use serde_json::{Value, json};

/// What the tools see of these events; `None` where there are no tools.
fn seen(events: &[RecordedEvent], in_a_group: usize) -> Option<Value> {
    let Some(python) = std::env::var_os("EVENTSTORE_TEST_PYTHON") else {
        eprintln!("skipped: no Python with pyarrow and DuckDB; `cargo xtask test` gets one ready");
        return None;
    };
    let file = tempfile::Builder::new().suffix(".parquet").tempfile().unwrap();
    std::fs::write(file.path(), write(events, small_groups(in_a_group)).0).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop.py");
    let output = Command::new(python).arg(script).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// An event as a row.
fn row(event: &RecordedEvent) -> Value {
    let text = (event.encoding == Encoding::JSON).then(|| std::str::from_utf8(&event.payload).ok()).flatten();
    let entries: BTreeMap<&str, &str> = event.metadata.iter().collect();
    json!({
        "position": event.position.get(),
        "stream": event.stream.as_str(),
        "version": event.version.get(),
        "recorded_at": event.recorded_at.as_micros(),
        "id": hexadecimal(event.id.as_bytes()),
        "event_type": event.event_type.as_str(),
        "schema_version": event.schema_version,
        "encoding": event.encoding.get(),
        "data": text,
        "data_binary": if text.is_some() { Value::Null } else { hexadecimal(&event.payload).into() },
        "metadata": if entries.is_empty() { Value::Null } else { serde_json::to_string(&entries).unwrap().into() },
        "tags": event.tags.iter().map(Tag::as_str).collect::<Vec<_>>(),
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn counts<'e>(keys: impl Iterator<Item = &'e str>) -> Value {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_default() += 1);
    json!(counts)
}

#[test]
fn pyarrow_sees_the_same_rows_and_duckdb_counts_them_right() {
    let mut events = usual(1_000);
    // Of every kind: bytes, texts that are no JSON, nothing, names in other scripts, numbers at their ends.
    events[10].encoding = Encoding::BINARY;
    events[11].payload = vec![0xff, 0x00, 0xfe].into();
    events[12].payload = "".into();
    events[13].metadata =
        Metadata::from_stored([("correlation_id", "42"), ("über", "\"quoted\" \u{1f600}")]).unwrap();
    events[14].stream = "поезд-東京".parse().unwrap();
    events[15].schema_version = u32::MAX;
    events[16].version = eventstore_api::Version::new(u64::MAX);
    events[17].recorded_at = eventstore_api::Timestamp::from_micros(-1);

    let Some(seen) = seen(&events, 300) else { return };
    let rows: Vec<Value> = events.iter().map(row).collect();
    for (seen, expected) in seen["rows"].as_array().unwrap().iter().zip(&rows) {
        assert_eq!(seen, expected);
    }
    assert_eq!(seen["rows"].as_array().unwrap().len(), rows.len());
    assert_eq!(seen["events"], 1_000);
    assert_eq!(seen["types"], counts(events.iter().map(|event| event.event_type.as_str())));
    assert_eq!(seen["tagged"], counts(events.iter().flat_map(|event| &event.tags).map(Tag::as_str)));
    assert_eq!(seen["of_the_last_version"], 1);
    let streams: std::collections::BTreeSet<_> = events.iter().map(|event| event.stream.as_str()).collect();
    assert_eq!(seen["streams"], streams.len());
    let amounts = rows
        .iter()
        .filter_map(|row| serde_json::from_str::<Value>(row["data"].as_str()?).ok()?["amount"].as_u64());
    assert_eq!(seen["amounts"], amounts.sum::<u64>());
    // By which tools pass over what cannot match.
    assert_eq!(seen["groups_believed"], json!(vec![true; 16]));
    assert_eq!(
        seen["groups_by_position"],
        json!([["1", "300"], ["301", "600"], ["601", "900"], ["901", "1000"]])
    );
}

/// A row group of several pages, where the name that is the least of one page is the beginning of that of another.
#[test]
fn names_that_begin_alike_are_found_by_statistics_over_pages() {
    let mut events = usual(2_000);
    for (number, event) in events.iter_mut().enumerate() {
        let name = if number < 600 { "account-10" } else { "account-1" };
        event.stream = name.parse().unwrap();
        // No two alike, so that they are stored as they are.
        let id = (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).rotate_left(64);
        event.id = eventstore_api::EventId::from_uuid(uuid::Uuid::from_u128(id));
    }
    let Some(seen) = seen(&events, 1_500) else { return };
    assert_eq!(seen["of_one_stream"], 1_400);
    assert_eq!(seen["groups_by_stream"], json!([["account-1", "account-10"], ["account-1", "account-1"]]));
    assert_eq!(seen["events"], 2_000);
    assert_eq!(
        seen["rows"].as_array().unwrap().iter().zip(&events).find(|(seen, event)| **seen != row(event)),
        None
    );
}
