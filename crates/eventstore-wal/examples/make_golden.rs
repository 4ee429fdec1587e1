//! Makes the golden stores of this format version, which later versions must read:
//! `cargo run -p eventstore-wal --example make_golden -- crates/eventstore-wal/tests/golden`.
//!
//! Ids and times differ every time, so what is committed is never made again: a new format gets new directories.

use std::{fs, path::Path};

use eventstore_api::{
    AppendBatch, Encoding, EventId, EventStoreBackend, EventType, ExpectedVersion, Metadata, NewEvent,
    Result, Snapshot, StoreError, StreamId, Tags, Version,
};
use eventstore_wal::{WalBackend, WalConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let golden = std::env::args().nth(1).ok_or_else(|| StoreError::storage("name a directory"))?;
    let golden = Path::new(&golden);
    let config = WalConfig { segment_bytes: 4 << 10, preallocate_bytes: 4 << 10, ..WalConfig::default() };
    let store = WalBackend::with_config(golden.join("v1-closed"), config)?;
    for number in 0..40_u8 {
        let batch = AppendBatch::new()
            .append(
                StreamId::new(format!("flight-{}", number % 7))?,
                ExpectedVersion::Any,
                vec![event(number, "Departed")?, event(number, "Arrived")?],
            )
            .append(
                StreamId::new("\u{1f6eb} airport-JFK")?,
                ExpectedVersion::Any,
                vec![event(number, "Used")?],
            );
        store.append_all(batch).await?;
    }
    let stream = StreamId::new("flight-3")?;
    store
        .save_snapshot(Snapshot::new(stream.clone(), Version::new(4), EventType::new("Flight")?, "older"))
        .await?;
    store.save_snapshot(Snapshot::new(stream, Version::new(9), EventType::new("Flight")?, "newer")).await?;
    // As a process leaves it that is killed now.
    let killed = golden.join("v1-killed");
    fs::create_dir_all(&killed).map_err(StoreError::storage)?;
    for entry in fs::read_dir(store.path()).map_err(StoreError::storage)? {
        let entry = entry.map_err(StoreError::storage)?;
        fs::copy(entry.path(), killed.join(entry.file_name())).map_err(StoreError::storage)?;
    }
    store.close().await
}

fn event(number: u8, event_type: &'static str) -> Result<NewEvent> {
    let mut id = [number; 16];
    id[15] = event_type.len().try_into().unwrap_or(0);
    Ok(NewEvent::new(EventType::new(event_type)?, format!("{{\"number\":{number}}}"))
        .with_id(EventId::from_uuid(eventstore_api::reexports::uuid::Uuid::from_bytes(id)))
        .with_encoding(Encoding::JSON)
        .with_schema_version(u32::from(number) * 10)
        .with_metadata(Metadata::new().with_correlation_id(format!("request-{number}")))
        .with_tags(Tags::parse([format!("number:{number}"), "airport:JFK".to_owned()])?))
}
