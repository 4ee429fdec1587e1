//! The store on PostgreSQL, on a server of its own on this machine, as durable as a server is by default.
//!
//! Appends take turns with bare inserts of the same rows through the same number of connections: what a program without an
//! event store would do. The median of each line is of many turns, since the machine drifts.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench whose work fails measures nothing, and what it measures is printed"
)]

mod bare;

use std::{
    env,
    time::{Duration, Instant},
};

use eventstore_api::{EventStoreBackend, ExpectedVersion, NewEvent, ReadAll, StreamAppend, StreamRange};
use eventstore_benches::{Chance, Shape, append_raw, json_event, median, raw_event, runtime, streams};
use eventstore_postgres::{PostgresBackend, PostgresConfig, SchemaName};
use postgres_cluster::Cluster;
use tokio::runtime::Runtime;

use self::bare::Bare;

const CONNECTIONS: usize = 16;

/// What lines begin with.
const NAMES: [&str; 6] = [
    "append, 1 writers, batches of 1",
    "append, 64 writers, batches of 1",
    "append, 1 writers, batches of 100",
    "append, 16 writers, batches of 100",
    "import and replay, raw",
    "import and replay, JSON and a tag",
];

fn main() {
    // As criterion has it: a run that only shows that the bench works.
    let is_test = env::args().any(|argument| argument == "--test");
    let wanted = env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    // Nothing of this is wanted, and no server is started.
    if !NAMES.iter().any(|name| name.contains(&wanted)) {
        return;
    }
    let cluster = Cluster::builder().setting("max_connections", "100").start().unwrap();
    let share = if is_test { 100 } else { 1 };
    let bench = Bench { runtime: runtime(), url: cluster.url(), share, wanted };
    println!("{:<52} {:>12} {:>12} {:>7}   level", "", "a second", "bare", "ratio");
    bench.beside_bare_inserts(Shape { writers: 1, batch: 1 }, 500, raw_event, "");
    bench.beside_bare_inserts(Shape { writers: 64, batch: 1 }, 6_400, raw_event, "15,000, or 0.8 of bare");
    bench.beside_bare_inserts(
        Shape { writers: 64, batch: 1 },
        6_400,
        json_events(),
        "the same with JSON and a tag",
    );
    bench.beside_bare_inserts(Shape { writers: 1, batch: 100 }, 20_000, raw_event, "60,000");
    bench.beside_bare_inserts(Shape { writers: 1, batch: 100 }, 20_000, json_events(), "JSON and a tag");
    bench.beside_bare_inserts(Shape { writers: 16, batch: 100 }, 80_000, raw_event, "");
    bench.imports_and_replays("raw", raw_event, "150,000", "400,000");
    bench.imports_and_replays("JSON and a tag", json_events(), "", "");
}

fn json_events() -> impl FnMut(u64) -> NewEvent {
    let mut chance = Chance::new(7);
    move |_| json_event(&mut chance)
}

struct Bench {
    runtime: Runtime,
    url: String,
    /// By how much there is less to do.
    share: usize,
    /// Only lines that contain this are measured.
    wanted: String,
}

impl Bench {
    /// A store with nothing in it.
    fn store(&self, name: &str) -> PostgresBackend {
        let config = PostgresConfig {
            schema: SchemaName::new(name).unwrap(),
            pool_size: CONNECTIONS,
            ..PostgresConfig::default()
        };
        self.runtime.block_on(PostgresBackend::with_config(&self.url, config)).unwrap()
    }

    fn beside_bare_inserts(
        &self,
        shape: Shape,
        events: usize,
        mut event: impl FnMut(u64) -> NewEvent,
        level: &str,
    ) {
        let what = format!("append, {} writers, batches of {}", shape.writers, shape.batch);
        if !what.contains(&self.wanted) {
            return;
        }
        let rounds = (11 / self.share).max(1);
        let events = (events / self.share).max(shape.writers * shape.batch);
        let store = self.store(&format!("appends_{}", unique()));
        let bare = self.runtime.block_on(Bare::new(&self.url, CONNECTIONS));
        let turns: Vec<_> = (0..rounds)
            .map(|_| {
                let [work, same] = [shape.work(events, &mut event), shape.work(events, &mut event)];
                let appends = self.time(append_raw(store.clone(), shape, work));
                let inserts = self.time(bare.insert(same));
                (per_second(shape.fitting(events), appends), per_second(shape.fitting(events), inserts))
            })
            .collect();
        println!(
            "{what:<52} {:>12.0} {:>12.0} {:>7.2}   {level}",
            median(turns.iter().map(|turn| turn.0)),
            median(turns.iter().map(|turn| turn.1)),
            median(turns.iter().map(|turn| turn.0 / turn.1)),
        );
    }

    fn imports_and_replays(
        &self,
        what: &str,
        mut event: impl FnMut(u64) -> NewEvent,
        import_level: &str,
        replay_level: &str,
    ) {
        if !format!("import and replay, {what}").contains(&self.wanted) {
            return;
        }
        const EVENTS: usize = 500_000;
        const AT_ONCE: usize = 20_000;
        let events = EVENTS / self.share;
        let store = self.store(&format!("imports_{}", unique()));
        let streams = streams();
        let mut appends = streams.iter().cycle().map(|stream| {
            let events = (0..10).map(&mut event).collect();
            StreamAppend { stream: stream.clone(), expected: ExpectedVersion::Any, events }
        });
        let chunks: Vec<Vec<StreamAppend>> = (0..events / AT_ONCE.min(events))
            .map(|_| appends.by_ref().take(AT_ONCE.min(events) / 10).collect())
            .collect();
        let imported = self.time(async {
            for chunk in chunks {
                store.import(chunk).await.unwrap();
            }
        });
        let line = |what: String, seconds: f64, level: &str| {
            println!("{what:<52} {seconds:>12.0} {:>12} {:>7}   {level}", "", "");
        };
        line(format!("import, {what}"), per_second(events, imported), import_level);

        let replays: Vec<_> = (0..5).map(|_| per_second(events, self.time(replay(&store, events)))).collect();
        line(format!("replay, {what}"), median(replays.into_iter()), replay_level);

        let reads = 2_000 / self.share;
        let stream = streams.first().unwrap();
        let read = self.time(async {
            for _ in 0..reads {
                let page = store.read_stream(stream, StreamRange::all().limit(20)).await.unwrap();
                assert_eq!(page.events.len(), 20);
            }
        });
        line(format!("streams of 20 read, {what}"), per_second(reads, read), "");
    }

    fn time(&self, work: impl Future<Output = ()>) -> Duration {
        let began = Instant::now();
        self.runtime.block_on(work);
        began.elapsed()
    }
}

async fn replay(store: &PostgresBackend, events: usize) {
    let (mut query, mut seen) = (ReadAll::forward().limit(4_096), 0);
    loop {
        let page = store.read_all(&query).await.unwrap();
        seen += page.events.len();
        if page.end_reached {
            break;
        }
        query = query.next_page(&page);
    }
    assert_eq!(seen, events);
}

#[expect(clippy::cast_precision_loss, reason = "a count of some hundred thousands")]
fn per_second(events: usize, took: Duration) -> f64 {
    events as f64 / took.as_secs_f64()
}

fn unique() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}
