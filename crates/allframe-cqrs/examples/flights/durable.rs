//! What the program has to stand on every store that stays in a directory: to be run again, to fail, and to be killed.

use std::{
    env,
    future::Future,
    hash::{BuildHasher, RandomState},
    io::{self, BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
};

use allframe_cqrs::{EventStoreBackend, ProjectionRegistry, StoreError, StreamId};
use clap::Parser;
use tempfile::TempDir;

use crate::{
    program::{arguments::Arguments, run, store},
    trial::{ARRIVED, CANCELLED, DIVERTED, HEADER, file, flights_in},
};

/// A kind of store that stays in a directory.
pub(crate) trait Stays {
    /// What stands before the directory in the argument that names the store.
    const SCHEME: &'static str;

    /// Whether the store was closed in good order.
    fn was_closed(directory: &Path) -> impl Future<Output = bool>;

    /// How far the store has come, in whatever it counts. Another process may be writing it.
    fn progress(directory: &Path) -> impl Future<Output = usize>;

    /// Looks at everything. Damage is [`StoreError::Corrupted`].
    fn verified(directory: &Path) -> Result<(), StoreError>;
}

/// A test of each case on this kind of store.
macro_rules! stays {
    ($store:ident: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                crate::durable::$case::<$store>().await;
            }
        )+

        #[tokio::test]
        async fn it_may_be_killed_at_any_moment() {
            let test = concat!(module_path!(), "::it_may_be_killed_at_any_moment");
            crate::durable::it_may_be_killed_at_any_moment::<$store>(test).await;
        }

        #[tokio::test]
        async fn who_watches_sees_what_another_run_brings_in() {
            let test = concat!(module_path!(), "::who_watches_sees_what_another_run_brings_in");
            crate::durable::who_watches_sees_what_another_run_brings_in::<$store>(test).await;
        }
    };
    ($store:ident) => {
        crate::durable::stays! { $store:
            the_first_week_is_told_as_in_memory_and_a_second_run_adds_nothing
            the_same_file_in_another_run_adds_nothing
            the_store_is_closed_in_good_order_even_after_an_error
            rows_of_one_flight_keep_their_order
            what_the_read_models_know_is_not_read_again
            a_read_model_that_is_wrong_is_right_once_it_was_built_anew
        }
    };
}
pub(crate) use stays;

pub(crate) async fn the_first_week_is_told_as_in_memory_and_a_second_run_adds_nothing<S: Stays>() {
    let directory = TempDir::new().unwrap();
    let in_memory = flights_in("memory", []).await.unwrap();
    for _ in 0..2 {
        assert_eq!(flights_in(&in_it::<S>(&directory), []).await.unwrap(), in_memory);
    }
    S::verified(directory.path()).unwrap();
}

pub(crate) async fn the_same_file_in_another_run_adds_nothing<S: Stays>() {
    let directory = TempDir::new().unwrap();
    let (first, second) =
        (file(&[HEADER, ARRIVED, CANCELLED]), file(&[HEADER, ARRIVED, CANCELLED, DIVERTED]));
    let [first, second] = [&first, &second].map(|file| file.path().to_str().unwrap());
    let store = in_it::<S>(&directory);
    let once = flights_in(&store, [first, "--json"]).await.unwrap();
    assert_eq!(flights_in(&store, [first, "--json"]).await.unwrap(), once);
    assert_eq!(
        flights_in(&store, [second, "--json"]).await.unwrap(),
        flights_in("memory", [second, "--json"]).await.unwrap()
    );
}

pub(crate) async fn the_store_is_closed_in_good_order_even_after_an_error<S: Stays>() {
    let file = file(&[HEADER, ARRIVED]);
    for (argument, succeeds) in [("--json", true), ("no-such-file.csv", false)] {
        let directory = TempDir::new().unwrap();
        let ended = flights_in(&in_it::<S>(&directory), [file.path().to_str().unwrap(), argument]).await;
        assert_eq!(ended.is_ok(), succeeds);
        assert!(S::was_closed(directory.path()).await, "{argument}");
    }
}

pub(crate) async fn rows_of_one_flight_keep_their_order<S: Stays>() {
    let told_differently = ARRIVED.replace(",830,819,11,", ",830,819,12,");
    let mut lines = vec![HEADER, ARRIVED];
    lines.extend([told_differently.as_str(); 200]);
    let file = file(&lines);
    for _ in 0..3 {
        let directory = TempDir::new().unwrap();
        let arguments = [file.path().to_str().unwrap(), "--json"];
        let (output, errors) = flights_in(&in_it::<S>(&directory), arguments).await.unwrap();
        assert!(output.contains("\"events\":3,\"streams\":1,\"rejected_rows\":200"), "{output}");
        let numbers =
            errors.lines().filter_map(|line| line.rsplit(": row rejected").nth(1)?.rsplit(':').next());
        assert!(numbers.eq((3..203).map(|number| number.to_string())), "{errors}");
    }
}

pub(crate) async fn what_the_read_models_know_is_not_read_again<S: Stays>() {
    let directory = TempDir::new().unwrap();
    flights_in(&in_it::<S>(&directory), ["--json"]).await.unwrap();
    let store = store::open(&in_it::<S>(&directory)).await.unwrap();
    let read_models = ProjectionRegistry::start(store.clone()).await.unwrap();
    read_models.start_subscription().await.unwrap();
    for status in read_models.status().await.unwrap() {
        assert_eq!((status.events_applied, status.position.get()), (0, 18_262), "{}", status.name);
    }
    read_models.close().await.unwrap();
    store.backend().close().await.unwrap();
}

pub(crate) async fn a_read_model_that_is_wrong_is_right_once_it_was_built_anew<S: Stays>() {
    let directory = TempDir::new().unwrap();
    let store = in_it::<S>(&directory);
    let right = flights_in(&store, ["--json"]).await.unwrap();
    // As after a run with a mistake in it.
    let opened = store::open(&store).await.unwrap();
    let kept = StreamId::new("$projection-tally-v1").unwrap();
    let mut wrong = opened.backend().get_latest_snapshot(&kept).await.unwrap().unwrap();
    let mut state: serde_json::Value = serde_json::from_slice(&wrong.payload).unwrap();
    state["state"]["scheduled"] = 7.into();
    wrong.payload = state.to_string().into();
    opened.backend().save_snapshot(wrong).await.unwrap();
    opened.backend().close().await.unwrap();

    let told = flights_in(&store, ["--json"]).await.unwrap().0;
    assert!(told.starts_with(r#"{"scheduled":7,"#), "{told}");
    assert_eq!(flights_in(&store, ["--json", "--rebuild"]).await.unwrap(), right);
    assert_eq!(flights_in(&store, ["--json"]).await.unwrap(), right);
}

/// In a child process the test of this name, with its crate before it, is the program that watches.
pub(crate) async fn who_watches_sees_what_another_run_brings_in<S: Stays>(test: &str) {
    if let Ok(store) = env::var(CHILD) {
        let arguments = Arguments::parse_from(["flights", "--json", "--watch", "--store", &store]);
        run(arguments, &mut io::stdout(), &mut io::stderr()).await.unwrap();
        return;
    }
    let directory = TempDir::new().unwrap();
    let few = file(&[HEADER, ARRIVED, CANCELLED]);
    let store = in_it::<S>(&directory);
    let few = flights_in(&store, [few.path().to_str().unwrap(), "--json"]).await.unwrap().0;

    let (_, test) = test.split_once("::").unwrap();
    let mut watching = Command::new(env::current_exe().unwrap());
    watching.args([test, "--exact", "--nocapture"]).env(CHILD, &store).stdout(Stdio::piped());
    let mut watching = watching.spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut shows = |wanted: &str| lines.by_ref().any(|line| line.unwrap().contains(wanted.trim_end()));
    assert!(shows(&few), "it ended without showing what was there");
    let all = flights_in(&store, ["--json"]).await.unwrap().0;
    assert!(shows(&all), "it ended without showing what came");
    watching.kill().unwrap();
    watching.wait().unwrap();
}

const KILLS: usize = 6;
/// Where a child of this process finds the store that it is to run on; no other process has it.
const CHILD: &str = "FLIGHTS_TEST_RUNS_ON";

/// In a child process the test of this name, with its crate before it, is the program, on the week's data.
pub(crate) async fn it_may_be_killed_at_any_moment<S: Stays>(test: &str) {
    if let Ok(store) = env::var(CHILD) {
        let arguments = Arguments::parse_from(["flights", "--json", "--store", &store]);
        run(arguments, &mut io::stdout(), &mut io::stderr()).await.unwrap();
        return;
    }
    let (_, test) = test.split_once("::").unwrap();
    let start = |directory: &TempDir| -> Child {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args([test, "--exact", "--nocapture"]).env(CHILD, in_it::<S>(directory));
        child.stdout(Stdio::piped()).spawn().unwrap()
    };
    let undisturbed = flights_in("memory", ["--json"]).await.unwrap().0;
    let directory = TempDir::new().unwrap();
    assert_eq!(flights_in(&in_it::<S>(&directory), ["--json"]).await.unwrap().0, undisturbed);
    let all = S::progress(directory.path()).await;

    let directory = TempDir::new().unwrap();
    let mut killed = 0;
    for _ in 0..KILLS {
        let step = random_below(all / (KILLS + 1));
        let until = S::progress(directory.path()).await + step;
        let mut child = start(&directory);
        while child.try_wait().unwrap().is_none() && S::progress(directory.path()).await <= until {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        // Another error says that there is no store yet.
        let verified = S::verified(directory.path());
        assert!(!matches!(verified, Err(StoreError::Corrupted { .. })), "{verified:?}");
    }
    assert!(killed >= KILLS / 2, "only {killed} of {KILLS} runs were killed before their end");

    for _ in 0..2 {
        let mut child = start(&directory);
        let mut output = String::new();
        child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        assert!(child.wait().unwrap().success(), "{output}");
        assert!(output.contains(undisturbed.trim_end()), "{output}");
    }
    S::verified(directory.path()).unwrap();
}

/// The store in this directory, as an argument of the program.
pub(crate) fn in_it<S: Stays>(directory: &TempDir) -> String {
    format!("{}:{}", S::SCHEME, directory.path().display())
}

pub(crate) fn random_below(bound: usize) -> usize {
    usize::try_from(RandomState::new().hash_one(()) % bound as u64).unwrap()
}
