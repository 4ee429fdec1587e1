//! The keeper of a lighthouse notes the wind, each hour of each day. What is old becomes Parquet files, and is read as before.
//!
//! ```sh
//! cargo run -p allframe-cqrs --example archive --features wal,parquet                          # in a directory that is removed
//! cargo run -p allframe-cqrs --example archive --features wal,parquet -- ./data/lighthouse     # in this one
//! ```
//!
//! In a directory that stays, each run adds a season of 100 days, and any tool reads what is archived, also while the store is open:
//! `duckdb -c "SELECT count(*) FROM './data/lighthouse/*.parquet'"`. docs/architecture.md says how the archive is built.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::path::{Path, PathBuf};

use allframe_cqrs::{
    ArchivePolicy, EventStore, EventStoreBackend as _, WalBackend, WalConfig, WalStats, event,
    wal::{self, VerifyReport},
};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct WindNoted {
    /// Since the first note.
    hour: u64,
    knots: u64,
}

impl WindNoted {
    fn at(hour: u64) -> Self {
        Self { hour, knots: (hour * 7 + hour / 24) % 50 }
    }
}

const DAYS: u64 = 100;

/// What there is after a season.
struct Season {
    /// All notes, read from the archive and from the log.
    notes: Vec<WindNoted>,
    /// How many of them are in the archive.
    archived: u64,
    report: VerifyReport,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let throw_away = tempfile::tempdir()?;
    let directory = std::env::args_os().nth(1).map_or_else(|| throw_away.path().to_owned(), PathBuf::from);
    let Season { notes, archived, report } = a_season(&directory).await?;

    let stormy = notes.iter().filter(|note| note.knots >= 48).count();
    println!("{} notes, {archived} of them in the archive; {stormy} of a storm", notes.len());
    println!("verified: {report}");
    anyhow::ensure!(report.is_sound(), "{:?} {:?}", report.damages, report.rebuildable);
    Ok(())
}

async fn a_season(directory: &Path) -> anyhow::Result<Season> {
    // Small enough that a season fills some: 64 MiB where nothing is said.
    let segments = WalConfig { segment_bytes: 16 << 10, ..WalConfig::default() };
    let policy = ArchivePolicy { keep_segments: Some(2), ..ArchivePolicy::default() };
    let store =
        EventStore::<WindNoted, _>::with_backend(WalBackend::with_archive(directory, segments, policy)?);

    let noted = store.stats().await?.total_events;
    for day in 0..DAYS {
        let hours = (0..24).map(|hour| WindNoted::at(noted + day * 24 + hour)).collect();
        store.append("lighthouse", hours).await?;
    }

    // It is done in the background anyway. Who wants to see it waits for it.
    store.backend().archive_now().await?;
    let stats = store.stats().await?;
    let held = stats.specific::<WalStats>().context("a store in a directory says what is archived")?;

    // Nobody who reads knows which event is where.
    let notes = store.get_events("lighthouse").await?;
    store.backend().close().await?;
    Ok(Season { notes, archived: held.archived_events, report: wal::verify(directory)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(directory: &Path) -> Vec<PathBuf> {
        let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|it| it == "parquet")).collect()
    }

    #[tokio::test]
    async fn old_notes_are_in_parquet_files_and_all_are_read_season_after_season() {
        let directory = tempfile::tempdir().unwrap();
        for season in 1..=2 {
            let Season { notes, archived, report } = a_season(directory.path()).await.unwrap();
            let hours = season * DAYS * 24;
            assert_eq!(notes, (0..hours).map(WindNoted::at).collect::<Vec<_>>());
            assert!(archived > 0 && archived < hours, "{archived} of {hours} are archived");
            assert!(report.is_sound(), "{report}: {:?} {:?}", report.damages, report.rebuildable);
            assert_eq!((report.events, report.parts), (hours, parts(directory.path()).len() as u64));
        }
    }

    #[tokio::test]
    async fn one_bit_that_is_another_in_the_archive_is_found() {
        let directory = tempfile::tempdir().unwrap();
        a_season(directory.path()).await.unwrap();
        let part = parts(directory.path()).remove(0);
        let mut bytes = std::fs::read(&part).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&part, bytes).unwrap();
        assert!(!wal::verify(directory.path()).unwrap().is_sound());
    }
}
