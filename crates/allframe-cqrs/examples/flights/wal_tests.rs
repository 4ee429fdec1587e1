//! The program on the store in a directory, and the arguments that name a store.

use std::{env, fs, path::Path, process::Command};

use allframe_cqrs::{EventStoreBackend, StoreError};
use clap::Parser;
use eventstore_parquet::{ParquetOptions, ParquetWriter};
use eventstore_wal::WalBackend;
use tempfile::TempDir;

use crate::{
    durable::{Stays, in_it, stays},
    program::arguments::Arguments,
    trial::{HEADER, file, flights_in},
};

pub(crate) struct Wal;

impl Stays for Wal {
    const SCHEME: &'static str = "wal";

    async fn was_closed(directory: &Path) -> bool {
        let store = WalBackend::production(directory).unwrap();
        let was_closed = store.recovery().was_closed;
        store.close().await.unwrap();
        was_closed
    }

    async fn progress(directory: &Path) -> usize {
        bytes_written(directory)
    }

    fn verified(directory: &Path) -> Result<(), StoreError> {
        let report = eventstore_wal::verify(directory)?;
        match report.damages.first() {
            None => Ok(()),
            Some(damage) => {
                Err(StoreError::Corrupted { place: damage.file.clone(), detail: damage.detail.clone() })
            }
        }
    }
}

stays!(Wal);

#[test]
fn events_stay_in_a_directory_where_no_store_is_named() {
    assert_eq!(Arguments::parse_from(["flights"]).store, "wal:./data/flights");
}

/// What SQL says of the flights that were exported is what the program says of them.
#[tokio::test]
async fn duckdb_counts_the_flights_right() {
    let Some(python) = env::var_os("EVENTSTORE_TEST_PYTHON") else {
        eprintln!("skipped: no Python with DuckDB; `cargo xtask test` gets one ready");
        return;
    };
    let directory = TempDir::new().unwrap();
    let (told, _) = flights_in(&in_it::<Wal>(&directory), ["--json"]).await.unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();

    let file = directory.path().join("flights.parquet");
    let mut writer = ParquetWriter::new(fs::File::create(&file).unwrap(), ParquetOptions::default()).unwrap();
    let store = WalBackend::production(directory.path()).unwrap();
    for event in store.get_all_events().await.unwrap() {
        writer.write(event).unwrap();
    }
    writer.finish().unwrap();

    let sql = format!(
        "select lower(substr(event_type, 7)) as what, count(*) from read_parquet('{0}') group by 1 \
         union all select 'events', count(*) from read_parquet('{0}') \
         union all select 'streams', count(distinct stream) from read_parquet('{0}')",
        file.display()
    );
    let script = "import duckdb, json, sys; print(json.dumps(dict(duckdb.sql(sys.argv[1]).fetchall())))";
    let output = Command::new(python).args(["-c", script, &sql]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let counted: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let counted = counted.as_object().unwrap();
    assert_eq!(counted.len(), 7);
    for (what, count) in counted {
        assert_eq!(told.get(what), Some(count), "{what}");
    }
}

#[tokio::test]
async fn a_store_that_is_not_known_or_cannot_be_opened_is_an_error() {
    let taken = file(&[HEADER]);
    let path = taken.path().to_str().unwrap();
    for (store, expected) in [
        (
            "sqlite:x",
            "`sqlite` is no store that this program knows; it knows `memory`, `wal:DIR`, `rocksdb:DIR` and \
             `postgres:URL`",
        ),
        ("wal", "`wal` is no store that this program knows"),
        ("wal:", "`wal:` names no directory, as `wal:./data/flights` does"),
        ("rocksdb:", "`rocksdb:` names no directory, as `rocksdb:./data/flights` does"),
        (&format!("wal:{path}"), &format!("cannot open the store in {path}: ")),
    ] {
        let error = format!("{:#}", flights_in(store, []).await.unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
}

#[cfg(not(feature = "rocksdb"))]
#[tokio::test]
async fn without_rocksdb_its_store_is_refused_with_how_to_get_it() {
    let error = format!("{:#}", flights_in("rocksdb:./data/r", []).await.unwrap_err());
    assert!(error.starts_with("this program was built without RocksDB"), "{error}");
    assert!(error.ends_with("--example flights --features rocksdb -- --store rocksdb:./data/r"), "{error}");
}

/// How far the log in this directory has come: behind the last byte that is not zero lies what is only reserved.
fn bytes_written(directory: &Path) -> usize {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let segments = files.filter(|path| path.extension().is_some_and(|extension| extension == "wal"));
    // A file that is gone by now was renamed.
    let lengths = segments.map(|path| {
        let bytes = fs::read(path).unwrap_or_default();
        bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
    });
    lengths.sum()
}
