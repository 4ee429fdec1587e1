//! Projections in a process that is killed, again and again, while it stores their states: each event is in the state once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a child tells its parent so how far it is")]

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use allframe_cqrs::{
    ApplyContext, ApplyError, CheckpointPolicy, EventStore, GlobalPosition, Projection, ProjectionRegistry,
    Recorded, Registration, event,
};
use eventstore_wal::WalBackend;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Counted {
    number: u64,
}

/// Holds every event it has seen, so that one too many or too few shows. It is larger than a snapshot after a while.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    numbers: Vec<u64>,
    ballast: Vec<String>,
}

impl Projection for Seen {
    type Event = Counted;

    fn apply(&mut self, event: &Counted) {
        self.numbers.push(event.number);
        if event.number.is_multiple_of(128) {
            self.ballast.push("x".repeat(2 << 20));
        }
    }
}

/// Leaves a line in a file for every event, as an effect.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Posts {
    written: u64,
}

impl Projection for Posts {
    type Event = Counted;

    fn apply(&mut self, _event: &Counted) {
        self.written += 1;
    }

    fn try_apply(&mut self, event: &Recorded<Counted>, context: &mut ApplyContext) -> Result<(), ApplyError> {
        self.apply(&event.event);
        let number = event.event.number;
        context.effect(move || async move {
            use std::io::Write;
            let path = Path::new(&env::var(CHILD)?).join("posts");
            // One write a line, which a kill cuts off wholly or not at all.
            fs::File::options()
                .create(true)
                .append(true)
                .open(path)?
                .write_all(format!("{number}\n").as_bytes())?;
            Ok(())
        });
        Ok(())
    }
}

/// Where a child of this process finds its directory.
const CHILD: &str = "PROJECTIONS_TEST_RUNS_IN";
const LONG: Duration = Duration::from_secs(60);
const ROUNDS: u64 = 8;
/// How many events a round lets a child come further at least before it is killed.
const STEP: u64 = 90;

async fn start(
    directory: &Path,
) -> (EventStore<Counted, WalBackend>, ProjectionRegistry<Counted, WalBackend>) {
    let store = EventStore::with_backend(WalBackend::production(directory.join("store")).unwrap());
    let registry = ProjectionRegistry::new(store.clone());
    let often = CheckpointPolicy::default().with_events(1);
    registry.add(Registration::stored("seen", 1, Seen::default).with_checkpoints(often)).await.unwrap();
    registry.add(Registration::stored("posts", 1, Posts::default).with_checkpoints(often)).await.unwrap();
    (store, registry)
}

/// Appends for ever, and says how far it is.
async fn run_until_killed(directory: &Path) {
    let (store, registry) = start(directory).await;
    let saving = registry.clone();
    // So that most kills come in the middle of it.
    tokio::spawn(async move {
        loop {
            saving.save().await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    let head = store.stats().await.unwrap().total_events;
    for number in head.. {
        let appended = store.append("counter-1", vec![Counted { number }]).await.unwrap();
        if number.is_multiple_of(10) {
            registry.wait_until(appended.last_position, LONG).await.unwrap();
            println!("at {number}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_number_of_kills_every_event_is_in_the_state_once_and_has_had_its_effect() {
    if let Ok(directory) = env::var(CHILD) {
        return run_until_killed(Path::new(&directory)).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut repeated = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "killed::after_any_number_of_kills_every_event_is_in_the_state_once_and_has_had_its_effect",
            ])
            .args(["--nocapture"])
            .env(CHILD, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let numbers = lines.filter_map(|line| line.unwrap().rsplit_once("at ")?.1.parse::<u64>().ok());
        let mut first = None;
        for number in numbers {
            if number >= *first.get_or_insert(number) + STEP + round * 7 {
                break;
            }
        }
        assert!(first.is_some(), "the child ended by itself");
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());

        let events = check(directory.path()).await;
        repeated = posts_repeated(directory.path(), events);
    }
    // A kill in the middle of a batch of effects repeats those of that batch at most.
    assert!(repeated <= ROUNDS * 12, "{repeated} effects were repeated in {ROUNDS} kills");
}

/// Looks at what the last child has left: what is stored of the state, and what catching up makes of it.
async fn check(directory: &Path) -> u64 {
    let store =
        EventStore::<Counted, _>::with_backend(WalBackend::open_read_only(directory.join("store")).unwrap());
    let stored = ProjectionRegistry::new(store.clone());
    stored.add(Registration::stored("seen", 1, Seen::default)).await.unwrap();
    stored.wait_until_caught_up(LONG).await.unwrap();
    let applied = stored.status_of("seen").await.unwrap().events_applied;
    let mut folded = Seen::default();
    store.project(&mut folded, &mut GlobalPosition::default()).await.unwrap();
    let seen = stored.get::<Seen>().await.unwrap();
    let events = u64::try_from(seen.numbers.len()).unwrap();
    assert!(seen.numbers.iter().copied().eq(0..events), "{:?}", seen.numbers);
    assert_eq!(*seen, folded);
    assert!(applied < events / 2, "of {events} events {applied} were not in the stored state");
    events
}

/// Every event up to the last one that has had its effect has had it; how many have had it again.
fn posts_repeated(directory: &Path, events: u64) -> u64 {
    let posts = fs::read_to_string(directory.join("posts")).unwrap();
    let mut numbers: Vec<u64> = posts.lines().map(|line| line.parse().unwrap()).collect();
    let all = u64::try_from(numbers.len()).unwrap();
    numbers.sort_unstable();
    numbers.dedup();
    let had = u64::try_from(numbers.len()).unwrap();
    assert!(numbers.iter().copied().eq(0..had), "an effect was left out: {numbers:?}");
    assert!(had <= events);
    all - had
}
