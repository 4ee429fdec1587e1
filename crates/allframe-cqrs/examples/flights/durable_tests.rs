//! The program on the store that stays: run again, and killed.

use std::{
    env, fs,
    hash::{BuildHasher, RandomState},
    io::{self, Read},
    path::Path,
    process::{Child, Command, Stdio},
};

use allframe_cqrs::EventStoreBackend;
use clap::Parser;
use eventstore_parquet::{ParquetOptions, ParquetWriter};
use eventstore_wal::WalBackend;
use tempfile::TempDir;

use crate::{
    arguments::Arguments,
    run,
    tests::{ARRIVED, CANCELLED, DIVERTED, HEADER, file, flights_in},
};

/// A store in this directory, as an argument of the program.
fn wal(directory: &TempDir) -> String {
    format!("wal:{}", directory.path().display())
}

#[test]
fn events_stay_in_a_directory_where_no_store_is_named() {
    assert_eq!(Arguments::parse_from(["flights"]).store, "wal:./data/flights");
}

#[tokio::test]
async fn the_same_file_in_another_run_adds_nothing() {
    let directory = TempDir::new().unwrap();
    let (first, second) =
        (file(&[HEADER, ARRIVED, CANCELLED]), file(&[HEADER, ARRIVED, CANCELLED, DIVERTED]));
    let [first, second] = [&first, &second].map(|file| file.path().to_str().unwrap());
    let wal = wal(&directory);
    let once = flights_in(&wal, [first, "--json"]).await.unwrap();
    assert_eq!(flights_in(&wal, [first, "--json"]).await.unwrap(), once);
    assert_eq!(
        flights_in(&wal, [second, "--json"]).await.unwrap(),
        flights_in("memory", [second, "--json"]).await.unwrap()
    );
}

/// What SQL says of the flights that were exported is what the program says of them.
#[tokio::test]
async fn duckdb_counts_the_flights_right() {
    let Some(python) = env::var_os("EVENTSTORE_TEST_PYTHON") else {
        eprintln!("skipped: no Python with DuckDB; `cargo xtask test` gets one ready");
        return;
    };
    let directory = TempDir::new().unwrap();
    let (told, _) = flights_in(&wal(&directory), ["--json"]).await.unwrap();
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
async fn the_store_is_closed_in_good_order_even_after_an_error() {
    let file = file(&[HEADER, ARRIVED]);
    for (argument, succeeds) in [("--json", true), ("no-such-file.csv", false)] {
        let directory = TempDir::new().unwrap();
        let ended = flights_in(&wal(&directory), [file.path().to_str().unwrap(), argument]).await;
        assert_eq!(ended.is_ok(), succeeds);
        let store = WalBackend::production(directory.path()).unwrap();
        assert!(store.recovery().was_closed, "{argument}");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn rows_of_one_flight_keep_their_order() {
    let told_differently = ARRIVED.replace(",830,819,11,", ",830,819,12,");
    let mut lines = vec![HEADER, ARRIVED];
    lines.extend([told_differently.as_str(); 200]);
    let file = file(&lines);
    for _ in 0..3 {
        let directory = TempDir::new().unwrap();
        let arguments = [file.path().to_str().unwrap(), "--json"];
        let (output, errors) = flights_in(&wal(&directory), arguments).await.unwrap();
        assert!(output.contains("\"events\":3,\"streams\":1,\"rejected_rows\":200"), "{output}");
        let numbers =
            errors.lines().filter_map(|line| line.rsplit(": row rejected").nth(1)?.rsplit(':').next());
        assert!(numbers.eq((3..203).map(|number| number.to_string())), "{errors}");
    }
}

#[tokio::test]
async fn a_store_that_is_not_known_or_cannot_be_opened_is_an_error() {
    let taken = file(&[HEADER]);
    let path = taken.path().to_str().unwrap();
    for (store, expected) in [
        (
            "sqlite:x",
            "`sqlite` is no store that this program knows; it knows `memory`, `wal:DIR` and `postgres:URL`",
        ),
        ("wal", "`wal` is no store that this program knows; it knows `memory`, `wal:DIR` and `postgres:URL`"),
        ("wal:", "`wal:` names no directory, as `wal:./data/flights` does"),
        (&format!("wal:{path}"), &format!("cannot open the store in {path}: ")),
    ] {
        let error = format!("{:#}", flights_in(store, []).await.unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
}

const KILLS: usize = 6;
/// Where a child of this process finds the store that it is to run on; no other process has it.
const CHILD: &str = "FLIGHTS_TEST_RUNS_ON";

/// In a child process this test is the program, on the week's data.
#[tokio::test]
async fn it_may_be_killed_at_any_moment() {
    const NAME: &str = "durable_tests::it_may_be_killed_at_any_moment";
    if let Ok(store) = env::var(CHILD) {
        let arguments = Arguments::parse_from(["flights", "--json", "--store", &store]);
        run(arguments, &mut io::stdout(), &mut io::stderr()).await.unwrap();
        return;
    }
    let start = |directory: &TempDir| -> Child {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args([NAME, "--exact", "--nocapture"]).env(CHILD, wal(directory));
        child.stdout(Stdio::piped()).spawn().unwrap()
    };
    let undisturbed = flights_in("memory", ["--json"]).await.unwrap().0;
    let directory = TempDir::new().unwrap();
    assert_eq!(flights_in(&wal(&directory), ["--json"]).await.unwrap().0, undisturbed);
    let all = bytes_written(directory.path());

    let directory = TempDir::new().unwrap();
    let mut killed = 0;
    for _ in 0..KILLS {
        let step = random_below(all / (KILLS + 1));
        let until = bytes_written(directory.path()) + step;
        let mut child = start(&directory);
        while child.try_wait().unwrap().is_none() && bytes_written(directory.path()) <= until {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
    }
    assert!(killed >= KILLS / 2, "only {killed} of {KILLS} runs were killed before their end");

    for _ in 0..2 {
        let mut child = start(&directory);
        let mut output = String::new();
        child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        assert!(child.wait().unwrap().success(), "{output}");
        assert!(output.contains(undisturbed.trim_end()), "{output}");
    }
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

fn random_below(bound: usize) -> usize {
    usize::try_from(RandomState::new().hash_one(()) % bound as u64).unwrap()
}
