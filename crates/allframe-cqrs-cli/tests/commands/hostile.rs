//! What a review of somebody who wanted to break the tool has found.

use std::{
    fs,
    io::Read,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use eventstore_api::{Encoding, EventStoreBackend, EventType, Snapshot, StreamId, Version};
use eventstore_wal::WalBackend;

use crate::support::{FEW, Outcome, Place, many};

#[test]
fn a_url_in_the_wrong_place_is_shown_without_its_password() {
    let place = Place::new();
    place.import(FEW);
    let url = "postgresql://ann:secret@h/db";
    for arguments in [
        format!("stats {url}"),
        format!("{url} stats"),
        "stats Postgresql://ann:secret@h/db".to_owned(),
        format!("stats --json={url}"),
        format!("bench --events {url}"),
        format!("import {url}"),
        format!("inspect {url}"),
        format!("snapshots {url}"),
        format!("inspect {url} --json"),
        "--store postgresql://ann:secret%40h/db stats".to_owned(),
        "--store postgresql://ann:secret/db stats".to_owned(),
        "--store ann:secret stats".to_owned(),
        "--store Pwd=secret;Host=db stats".to_owned(),
        "schemas check data nofolder:secret".to_owned(),
    ] {
        let outcome = place.run(&arguments);
        assert!(!outcome.stderr.contains("secret") && !outcome.stdout.contains("secret"), "{outcome}");
        assert!(outcome.code != Some(0) && !outcome.stderr.is_empty(), "{arguments}: {outcome}");
    }
}

#[test]
fn a_password_is_not_shown_whatever_stands_in_it() {
    let place = Place::new();
    place.import(FEW);
    for around in ["\"", "'", "`", " ", "\n", "\\", "\\\"", "\u{7} ", "\u{1b}[1m ", "ü", "=", "' '"] {
        let password = format!("SEC{around}RET");
        let url = format!("postgres://ann:{password}@127.0.0.1:1/db");
        let setting = format!("host=127.0.0.1 port=1 password={password}");
        for arguments in [
            "stats",
            "import",
            "import --json",
            "inspect",
            "inspect --json",
            "append s T --json --id",
            "bench --events",
            "schemas check data",
            "schemas check --json data",
            "stats --store",
            "stats --json --store",
        ] {
            for said in [&url, &setting] {
                let outcome = place.run_with(arguments, said);
                let shown = format!("{}{}", outcome.stdout, outcome.stderr);
                assert!(!shown.contains("SEC") && !shown.contains("RET"), "{arguments} {said}: {outcome}");
                assert!(outcome.code != Some(0) && !outcome.stderr.is_empty(), "{arguments}: {outcome}");
            }
        }
        let outcome = place.run_with("stats", &format!("--json={url}"));
        assert!(!outcome.stderr.contains("SEC") && !outcome.stderr.contains("RET"), "{outcome}");
    }
}

#[test]
fn an_error_about_a_url_is_json_for_programs() {
    let place = Place::new();
    place.import(FEW);
    let told = |outcome: &Outcome| -> serde_json::Value { serde_json::from_str(&outcome.stderr).unwrap() };
    for password in ["secret", "se\"cret", "se cret", "se\\cret", "se\ncret"] {
        let outcome = place.run_with("import --json", &format!("postgres://ann:{password}@h/db"));
        let begin = "cannot open postgres://ann:***@h/db: ";
        assert!(told(&outcome)["error"].as_str().unwrap().starts_with(begin), "{outcome}");
    }
    let outcome = place.run("append --expected 1 --json postgres://ann:secret@h/db T");
    assert_eq!(told(&outcome)["stream"].as_str(), Some("postgres://ann:***@h/db"), "{outcome}");
}

#[test]
fn what_only_looks_like_a_password_is_shown() {
    let place = Place::new();
    for (arguments, shown) in [
        ("import exports/passenger=7/events.jsonl", "cannot open exports/passenger=7/events.jsonl: "),
        ("import --json größe=5", "cannot open größe=5: "),
        ("--store wal:data/passenger=7 stats", "wal:data/passenger=7"),
        ("--store=wal:data/passenger=7 stats", "wal:data/passenger=7"),
        ("--store wal:passenger=7 stats", "wal:passenger=7"),
    ] {
        let outcome = place.run(arguments);
        assert!(outcome.code == Some(2) && outcome.stderr.contains(shown), "{arguments}: {outcome}");
    }
    let outcome = place.run("append boarding-pass=7A T --expected 3 --json");
    assert!(outcome.stderr.contains(r#""stream":"boarding-pass=7A""#), "{outcome}");
}

/// How it ends where nobody reads what it prints.
fn unread(mut command: Command) -> Option<i32> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    child.wait().unwrap().code()
}

#[test]
fn a_verdict_counts_though_nobody_reads_it() {
    let place = Place::new();
    place.import(&many(2_000, 3));
    assert_eq!(unread(place.command("verify")), Some(0));
    place.flip_a_bit();
    for arguments in ["verify", "verify --json", "export --salvage --json out.jsonl", "export --salvage -"] {
        assert_eq!(unread(place.command(arguments)), Some(1), "{arguments}");
    }
}

#[test]
#[cfg(unix)]
fn what_a_link_to_nothing_leads_to_is_made_when_the_export_is_complete() {
    let place = Place::new();
    place.import(&many(2_000, 3));
    std::os::unix::fs::symlink("later.jsonl", place.path("link")).unwrap();
    std::os::unix::fs::symlink("link", place.path("link-to-it")).unwrap();
    place.succeed("export link-to-it");
    assert_eq!(place.read("later.jsonl"), place.succeed("export -"));
    assert!(place.path("link").is_symlink() && place.path("link-to-it").is_symlink());

    fs::remove_file(place.path("later.jsonl")).unwrap();
    place.flip_a_bit();
    assert_eq!(place.run("export link").code, Some(1));
    assert!(!place.path("later.jsonl").exists());
}

#[test]
#[cfg(unix)]
fn an_export_that_is_ended_leaves_no_file_behind() {
    let place = Place::new();
    place.import(&many(200_000, 7));
    let leftovers = || {
        let names = fs::read_dir(place.path("out")).unwrap();
        names.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>()
    };
    for (name, code) in [("-TERM", 143), ("-INT", 130)] {
        let _ = fs::create_dir(place.path("out"));
        let mut child = place.command("export out/events.jsonl").stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while leftovers().is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it begins no file");
            thread::yield_now();
        }
        assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
        let ended = child.wait().unwrap().code();
        // It may have been complete already.
        if ended == Some(0) {
            assert_eq!(leftovers(), ["events.jsonl"]);
            fs::remove_dir_all(place.path("out")).unwrap();
        } else {
            assert_eq!((ended, leftovers().len()), (Some(code), 0), "{name}");
        }
    }
}

/// Whoever writes into a pipe waits for its reader, and hears nothing meanwhile.
#[test]
#[cfg(unix)]
fn an_export_whose_reader_does_not_go_on_can_be_ended() {
    let place = Place::new();
    // More than the pipe holds.
    place.import(&many(20_000, 7));
    assert!(Command::new("mkfifo").arg(place.path("pipe")).status().unwrap().success());
    let to = |out: &str| place.command(&format!("export {out}")).stdout(Stdio::piped()).spawn().unwrap();

    let mut child = to("-");
    let mut stdout = child.stdout.take().unwrap();
    is_ended_while_it_writes(child, &mut stdout);

    let child = to("pipe");
    // Opened when somebody writes there.
    let mut pipe = fs::File::open(place.path("pipe")).unwrap();
    is_ended_while_it_writes(child, &mut pipe);
}

#[cfg(unix)]
fn is_ended_while_it_writes(mut child: Child, reader: &mut impl Read) {
    const TERMINATED: i32 = 15;
    reader.read_exact(&mut [0]).unwrap();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let begun = Instant::now();
    let ended = loop {
        match child.try_wait().unwrap() {
            Some(ended) => break ended,
            None if begun.elapsed() < Duration::from_secs(60) => thread::yield_now(),
            None => {
                child.kill().unwrap();
                panic!("it goes on");
            }
        }
    };
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(TERMINATED));
}

#[test]
fn an_export_of_parquet_that_nobody_reads_to_its_end_is_no_failure() {
    let place = Place::new();
    place.import(&many(50_000, 7));
    let mut command = place.command("export --format parquet -");
    let mut export = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    export.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
    let mut errors = String::new();
    export.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((export.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn no_error_commands_the_terminal() {
    let place = Place::new();
    for line in [
        "{\"stream\":\"s\",\"type\":\"T\",\"data\":1,\"\\u001b[2J\":1}",
        "{\"stream\":\"s\",\"type\":\"T\",\"data\":1,\"id\":\"\\u001b]0;mine\\u0007\"}",
    ] {
        let outcome = place.run_with_input("import -", line);
        assert!(outcome.code == Some(1) && outcome.stderr.contains("\\u{1b}"), "{outcome}");
        assert!(!outcome.stderr.contains(['\u{1b}', '\u{7}']), "{outcome}");
    }
}

#[test]
fn a_snapshot_for_programs_is_one_line_however_it_was_written() {
    let place = Place::new();
    place.import(FEW);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = WalBackend::production(place.path("data")).unwrap();
        let (stream, state) = (StreamId::new("account-7").unwrap(), EventType::new("Account").unwrap());
        let snapshot =
            Snapshot::new(stream, Version::new(2), state, "{\n  \"a\": 1.50,\n  \"b\": \"x y\"\n}");
        store.save_snapshot(snapshot.with_encoding(Encoding::JSON)).await.unwrap();
        store.close().await.unwrap();
    });
    let shown = place.succeed("snapshots account-7 --json");
    assert!(shown.lines().count() == 1 && shown.contains(r#""data":{"a":1.50,"b":"x y"}"#), "{shown}");
}

#[test]
fn what_cannot_be_read_of_sagas_and_processes_is_told() {
    const ODD: &str = r#"
{"stream":"saga-trip-bob","type":"$saga.started","data":{"x":1}}
{"stream":"process-ship-7","type":"$process.reacted","data":{"x":1}}
"#;
    let place = Place::new();
    place.import(ODD);
    for (command, stream) in
        [("sagas", "saga-trip-bob"), ("sagas --json", "saga-trip-bob"), ("processes", "process-ship-7")]
    {
        let outcome = place.run(command);
        assert!(outcome.stderr.starts_with("note: ") && outcome.stderr.contains(stream), "{outcome}");
    }
}

/// It would take gigabytes to indent all of it.
#[test]
fn what_is_nested_deeply_is_shown_in_part() {
    let place = Place::new();
    let depth = 1_000_000;
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    place.import(&format!("{{\"stream\":\"deep\",\"type\":\"T\",\"data\":{open}1{close}}}\n"));
    let shown = place.succeed("inspect deep");
    assert!(shown.contains("more lines; --json shows everything"), "{}", shown.len());
}
