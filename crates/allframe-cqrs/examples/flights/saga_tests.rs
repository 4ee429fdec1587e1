//! The sagas of the program: what becomes of the passengers, and that it does so once, also where the program is killed.

use std::{
    env,
    io::{self, Read},
    process::{Command, Stdio},
    time::Duration,
};

use allframe_cqrs::{EventStore, ReadAll, saga::SagaEvent};
use clap::Parser;
use eventstore_wal::WalBackend;
use futures_util::TryStreamExt;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::{
    durable::{Stays, in_it, random_below},
    program::{arguments::Arguments, run},
    trial::{CANCELLED, DIVERTED, HEADER, file, flights_in},
    wal_tests::Wal,
};

const FLIGHTS_THAT_STRAND_PEOPLE: usize = 56;

/// What became of the sagas of these rows.
async fn sagas_of(rows: &[&str]) -> serde_json::Value {
    let file = file(&[&[HEADER], rows].concat());
    let arguments = [file.path().to_str().unwrap(), "--sagas", "--json"];
    let output = flights_in("memory", arguments).await.unwrap().0;
    serde_json::from_str(output.lines().nth(1).unwrap()).unwrap()
}

/// The flight of a row, which arrived, departing at this minute past the hour.
fn later(minute: &str) -> String {
    let at = format!("163{minute}");
    CANCELLED.replace("NA,1630,NA,NA,1815,NA,EV,4308", &format!("{at},{at},0,1815,1815,0,EV,43{minute}9"))
}

#[tokio::test]
async fn the_passengers_of_the_first_week_as_a_person_sees_them() {
    let (output, errors) = flights_in("memory", ["--sagas"]).await.unwrap();
    let (_, table) = output.split_once("min\n\n").unwrap();
    insta::assert_snapshot!(table);
    assert!(errors.starts_with("56 sagas, ") && errors.lines().count() == 1, "{errors}");
}

#[tokio::test]
async fn passengers_for_whom_there_is_no_later_flight_stay() {
    let told = sagas_of(&[CANCELLED, DIVERTED]).await;
    assert_eq!(
        (&told["started"], &told["compensated"], &told["seats_held"]),
        (&2.into(), &2.into(), &0.into())
    );
}

#[tokio::test]
async fn passengers_who_do_not_fit_into_one_flight_go_by_two_and_their_gate_is_free() {
    let told = sagas_of(&[CANCELLED, &later("5"), &later("7")]).await;
    assert_eq!((&told["completed"], &told["seats_held"]), (&1.into(), &80.into()));
    assert_eq!((&told["flights_notified"], &told["gates_released"]), (&1.into(), &1.into()));
}

#[tokio::test]
async fn seats_for_a_part_of_the_passengers_are_given_back() {
    let told = sagas_of(&[CANCELLED, &later("5")]).await;
    assert_eq!((&told["compensated"], &told["flights_notified"]), (&1.into(), &0.into()));
    assert_eq!((&told["seats_held"], &told["seats_released"]), (&50.into(), &50.into()));
}

#[tokio::test]
async fn a_flight_that_was_diverted_has_no_gate_to_give_away() {
    let arrived = DIVERTED.replace("1934,1805,NA", "1800,1805,-5");
    let later = ["1531,4601", "1532,4602"].map(|it| {
        let (at, number) = it.split_once(',').unwrap();
        arrived.replace(",1530,-5,", &format!(",{at},-6,")).replace(",4525,", &format!(",{number},"))
    });
    let told = sagas_of(&[DIVERTED, &later[0], &later[1]]).await;
    assert_eq!((&told["completed"], &told["gates_released"]), (&1.into(), &0.into()));
}

#[tokio::test]
async fn a_second_run_starts_no_saga_twice_and_tells_the_same() {
    let directory = TempDir::new().unwrap();
    let first = flights_in(&in_it::<Wal>(&directory), ["--sagas"]).await.unwrap().0;
    assert_eq!(flights_in("memory", ["--sagas"]).await.unwrap().0, first);
    let stored = events_of_sagas(&directory).await;
    assert_eq!(flights_in(&in_it::<Wal>(&directory), ["--sagas"]).await.unwrap().0, first);
    assert_eq!(events_of_sagas(&directory).await, stored);
    assert_eq!(started(&stored), FLIGHTS_THAT_STRAND_PEOPLE);
    // Who does not ask for sagas is told of flights, and of nothing else.
    assert_eq!(
        flights_in(&in_it::<Wal>(&directory), []).await.unwrap(),
        flights_in("memory", []).await.unwrap()
    );
}

#[tokio::test]
async fn what_became_of_passengers_is_not_changed_by_flights_that_come_later() {
    let directory = TempDir::new().unwrap();
    let store = in_it::<Wal>(&directory);
    let (first, second) = (file(&[HEADER, CANCELLED]), file(&[HEADER, &later("5"), &later("7")]));
    let mut told = Vec::new();
    for file in [&first, &second] {
        let arguments = [file.path().to_str().unwrap(), "--sagas", "--json"];
        let output = flights_in(&store, arguments).await.unwrap().0;
        told.push(output.lines().nth(1).unwrap().to_owned());
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn who_only_looks_runs_no_sagas() {
    for other in ["--watch", "--rebuild"] {
        let error = flights_in("memory", ["--sagas", other]).await.unwrap_err().to_string();
        assert!(error.contains("cannot be used with"), "{error}");
    }
}

/// How many runs are killed in the middle of a saga, and in how many stores at most until there were as many.
const KILLS: usize = 5;
const STORES: usize = 20;
/// Where a child of this process finds the store that it is to run on.
const CHILD: &str = "FLIGHTS_TEST_RUNS_SAGAS_ON";

/// In a child process this test is the program, on a store that has the week's flights already.
#[tokio::test]
async fn it_may_be_killed_in_the_middle_of_sagas() {
    const NAME: &str = "saga_tests::it_may_be_killed_in_the_middle_of_sagas";
    if let Ok(store) = env::var(CHILD) {
        let arguments = Arguments::parse_from(["flights", "--json", "--sagas", "--store", &store]);
        let (mut output, mut errors) = (io::stdout(), io::stderr());
        // A saga that nobody takes up would keep it for ever.
        let program = timeout(Duration::from_secs(60), run(arguments, &mut output, &mut errors));
        return program.await.unwrap().unwrap();
    }
    let undisturbed = flights_in("memory", ["--json", "--sagas"]).await.unwrap().0;
    let mut killed = 0;
    for _ in 0..STORES {
        let directory = TempDir::new().unwrap();
        flights_in(&in_it::<Wal>(&directory), ["--json"]).await.unwrap();
        killed += killed_until_all_sagas_are_over(&directory, NAME, &undisturbed).await;
        if killed >= KILLS {
            return;
        }
    }
    panic!("only {killed} runs were killed in the middle of a saga");
}

/// Runs the program again and again, and kills it, until a run comes to its end; that tells what it would have told undisturbed.
/// Answers how often it was killed in the middle of a saga.
async fn killed_until_all_sagas_are_over(directory: &TempDir, test: &str, undisturbed: &str) -> usize {
    let mut in_the_middle = 0;
    let of_sagas = bytes_of_sagas(Wal::progress(directory.path()).await).await;
    loop {
        let until = Wal::progress(directory.path()).await + random_below(of_sagas / 4);
        let mut child = Command::new(env::current_exe().unwrap());
        child.args([test, "--exact", "--nocapture"]).env(CHILD, in_it::<Wal>(directory));
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        while child.try_wait().unwrap().is_none() && Wal::progress(directory.path()).await <= until {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        let was_killed = !child.wait().unwrap().success();
        Wal::verified(directory.path()).unwrap();
        let stored = events_of_sagas(directory).await;
        in_the_middle += usize::from(open(&stored) > 0);
        if !was_killed {
            let mut output = String::new();
            child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
            assert!(output.contains(undisturbed.trim_end()), "{output}");
            assert_eq!((started(&stored), open(&stored)), (FLIGHTS_THAT_STRAND_PEOPLE, 0));
            return in_the_middle;
        }
    }
}

/// How many bytes the sagas of the week add to a log with its flights, of so many bytes.
async fn bytes_of_sagas(flights: usize) -> usize {
    let directory = TempDir::new().unwrap();
    flights_in(&in_it::<Wal>(&directory), ["--json", "--sagas"]).await.unwrap();
    Wal::progress(directory.path()).await.checked_sub(flights).unwrap()
}

/// What has happened to sagas, read without a hand on what a run has left.
async fn events_of_sagas(directory: &TempDir) -> Vec<(String, SagaEvent)> {
    let reader = WalBackend::open_read_only(directory.path()).unwrap();
    let events = EventStore::<SagaEvent, _>::with_backend(reader).read_all(ReadAll::forward());
    let events = events.map_ok(|recorded| (recorded.stream().as_str().to_owned(), recorded.event));
    events.try_collect().await.unwrap()
}

fn started(events: &[(String, SagaEvent)]) -> usize {
    events.iter().filter(|(_, event)| matches!(event, SagaEvent::Started(_))).count()
}

/// How many have neither been completed nor undone.
fn open(events: &[(String, SagaEvent)]) -> usize {
    let ends = |event: &SagaEvent| matches!(event, SagaEvent::Completed | SagaEvent::Compensated);
    started(events) - events.iter().filter(|(_, event)| ends(event)).count()
}
