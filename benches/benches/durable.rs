//! Durable appends beside what the disk itself can do.
//!
//! The limit is one write and one `fdatasync` after the other, of the same bytes, on a file that is as long as it will be.
//! A disk drifts within a minute more than what is to be seen here, so the two take turns of a fraction of a second, and each
//! line is the median of many: a ratio of one turn to the other, and no number of its own, is what can be compared.
//!
//! The directory is the system's for temporary files; where that is no real disk, set `TMPDIR`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench whose work fails measures nothing, and what it measures is printed"
)]

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::Path,
    time::{Duration, Instant},
};

use eventstore_benches::{PAYLOAD_BYTES, Shape, append_raw, median, raw_event, runtime};
use eventstore_wal::WalBackend;

/// How many bytes an event takes in the log beyond its payload, appended alone, about.
const ALONE: usize = 110;
/// The same, appended with 99 others.
const AMONG_OTHERS: usize = 34;
/// How many turns each line takes.
const ROUNDS: usize = 31;
/// How many commits the limit makes in one turn.
const RAW_COMMITS: u32 = 250;

/// What is measured: a shape, how many events a turn has, and the level that is to be reached.
const LINES: [(Shape, usize, &str); 6] = [
    (Shape { writers: 1, batch: 1 }, 300, "0.85 of the limit"),
    (Shape { writers: 8, batch: 1 }, 3_000, "3.75 of the limit"),
    (Shape { writers: 64, batch: 1 }, 16_000, "18.75 of the limit"),
    (Shape { writers: 256, batch: 1 }, 64_000, "50 of the limit"),
    (Shape { writers: 1_024, batch: 1 }, 102_400, "it grows with writers"),
    (Shape { writers: 1, batch: 100 }, 30_000, "0.7 of the limit"),
];

fn main() {
    // As criterion has it: a run that only shows that the bench works.
    let rounds = if std::env::args().any(|argument| argument == "--test") { 1 } else { ROUNDS };
    println!("{:>8} {:>6} {:>10} {:>12} {:>7}   level", "writers", "batch", "limit/s", "events/s", "ratio");
    for (shape, events, level) in LINES {
        let Line { limit, events, ratio } = line(shape, events, rounds);
        let Shape { writers, batch } = shape;
        println!("{writers:>8} {batch:>6} {limit:>10.0} {events:>12.0} {ratio:>7.2}   {level}");
    }
}

/// What a turn came to, or the medians of all turns.
struct Line {
    /// Commits a second.
    limit: f64,
    events: f64,
    /// Appends to the limit's commits of the same turn.
    ratio: f64,
}

fn line(shape: Shape, events: usize, rounds: usize) -> Line {
    let runtime = runtime();
    let directory = tempfile::tempdir().unwrap();
    let store = WalBackend::production(directory.path().join("store")).unwrap();
    let overhead = if shape.batch == 1 { ALONE } else { AMONG_OTHERS };
    let mut limit = Limit::prepare(directory.path(), (PAYLOAD_BYTES + overhead) * shape.batch);
    let turns = (0..rounds).map(|_| {
        let limit = f64::from(RAW_COMMITS) / limit.commit(RAW_COMMITS).as_secs_f64();
        let work = shape.work(events, raw_event);
        let began = Instant::now();
        runtime.block_on(append_raw(store.clone(), shape, work));
        let seconds = began.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a count of some thousands")]
        let (events, batch) = (shape.fitting(events) as f64 / seconds, shape.batch as f64);
        Line { limit, events, ratio: events / batch / limit }
    });
    let turns: Vec<_> = turns.collect();
    Line {
        limit: median(turns.iter().map(|turn| turn.limit)),
        events: median(turns.iter().map(|turn| turn.events)),
        ratio: median(turns.iter().map(|turn| turn.ratio)),
    }
}

/// What the disk does of records of one length.
struct Limit {
    file: File,
    record: Vec<u8>,
    offset: usize,
}

impl Limit {
    const FILE_BYTES: usize = 64 << 20;

    fn prepare(directory: &Path, record_bytes: usize) -> Self {
        let file = File::create_new(directory.join("limit")).unwrap();
        file.write_all_at(&vec![0; Self::FILE_BYTES], 0).unwrap();
        file.sync_all().unwrap();
        Self { file, record: vec![b'x'; record_bytes], offset: 0 }
    }

    /// How long so many commits take.
    fn commit(&mut self, commits: u32) -> Duration {
        let began = Instant::now();
        for _ in 0..commits {
            self.file.write_all_at(&self.record, self.offset as u64).unwrap();
            self.file.sync_data().unwrap();
            self.offset = (self.offset + self.record.len()) % (Self::FILE_BYTES - self.record.len());
        }
        began.elapsed()
    }
}
