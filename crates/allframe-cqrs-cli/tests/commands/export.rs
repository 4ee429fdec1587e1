use std::{
    fs::{self, Permissions},
    io::Read,
    os::unix::fs::{FileTypeExt, PermissionsExt, symlink},
    process::{Command, Stdio},
};

use crate::support::{FEW, Outcome, Place, Running, many, same_each_time};

#[test]
fn an_event_is_a_line_with_all_that_is_known_of_it() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!(place.run("export -"));
}

#[test]
fn standard_output_has_two_names() {
    let place = Place::new();
    place.import(FEW);
    let expected = place.succeed("export --format jsonl -");
    assert_eq!(place.succeed("export --format jsonl /dev/stdout"), expected);

    // What a file holds already is not truncated.
    place.write("out", "before\n");
    let appending = fs::File::options().append(true).open(place.path("out")).unwrap();
    assert!(place.command("export /dev/stdout").stdout(appending).status().unwrap().success());
    assert_eq!(place.read("out"), format!("before\n{expected}"));
}

#[test]
fn a_file_is_replaced_when_the_export_is_complete() {
    let place = Place::new();
    place.import(FEW);
    place.write("out.jsonl", "what was here before\n".repeat(100));
    assert_eq!(place.succeed("export out.jsonl"), "");
    assert_eq!(place.read("out.jsonl"), place.succeed("export -"));
    let names = fs::read_dir(place.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!names.into_iter().any(|name| name.to_string_lossy().contains("export")));
}

#[test]
fn a_file_to_which_a_link_leads_is_replaced_when_the_export_is_complete_too() {
    let place = Place::new();
    place.import(&many(3_000, 5));
    fs::create_dir(place.path("archive")).unwrap();
    place.write("archive/out.jsonl", "what was here before\n");
    symlink("archive/out.jsonl", place.path("link")).unwrap();
    place.succeed("export link");
    let whole = place.succeed("export -");
    assert!(place.path("link").is_symlink());
    assert_eq!(place.read("archive/out.jsonl"), whole);

    // One that fails on the way leaves it as it is, and nothing beside it.
    place.flip_a_bit();
    let outcome = place.run("export link");
    assert_eq!(outcome.code, Some(1), "{outcome}");
    assert_eq!(place.read("archive/out.jsonl"), whole);
    assert_eq!(fs::read_dir(place.path("archive")).unwrap().count(), 1);
}

#[test]
fn who_may_read_a_file_may_read_the_one_that_takes_its_place_and_nobody_else() {
    let place = Place::new();
    place.import(FEW);
    place.write("out.jsonl", "what was here before\n");
    symlink("out.jsonl", place.path("link")).unwrap();
    for (name, mode) in [("out.jsonl", 0o600), ("out.jsonl", 0o666), ("link", 0o640)] {
        fs::set_permissions(place.path("out.jsonl"), Permissions::from_mode(mode)).unwrap();
        place.succeed(&format!("export {name}"));
        let is_now = place.path("out.jsonl").metadata().unwrap().permissions().mode();
        assert_eq!(is_now & 0o777, mode, "{name}: it is {is_now:o}");
    }
}

#[test]
fn a_pipe_is_written_and_not_replaced() {
    let place = Place::new();
    place.import(FEW);
    assert!(Command::new("mkfifo").arg(place.path("pipe")).status().unwrap().success());
    symlink("pipe", place.path("link")).unwrap();
    for name in ["pipe", "link"] {
        let mut reading = Command::new("cat");
        reading.arg(place.path("pipe"));
        let mut reader = Running::start(reading);
        place.succeed(&format!("export {name}"));
        assert!(place.path("pipe").metadata().unwrap().file_type().is_fifo(), "{name}");
        let lines: Vec<String> = std::iter::from_fn(|| reader.line()).collect();
        assert_eq!(lines.len(), 4, "{name}: {lines:?}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!(place.run("export missing/out.jsonl"));
}

#[test]
fn an_export_can_begin_behind_a_position() {
    let place = Place::new();
    place.import(FEW);
    let all = place.succeed("export -");
    for after in 0..6 {
        let expected: Vec<&str> = all.lines().skip(after).collect();
        let exported = place.succeed(&format!("export --after {after} -"));
        assert_eq!(exported.lines().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let place = Place::new();
    place.import(&many(20_000, 10));
    let mut export = place.command("export -").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut beginning = [0; 10];
    export.stdout.take().unwrap().read_exact(&mut beginning).unwrap();
    let mut errors = String::new();
    export.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((export.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!(place.run("export /dev/full"), @r"
    exit code 1
    --- stdout
    --- stderr
    error: cannot write to /dev/full: No space left on device (os error 28)
    hint: make room there, or name a place where there is some
    ");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_of_parquet_too() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!(place.run("export --format parquet /dev/full"), @r"
    exit code 1
    --- stdout
    --- stderr
    error: cannot write to /dev/full: No space left on device (os error 28)
    hint: make room there, or name a place where there is some
    ");
}

/// A limit on the size of files is what a full disk is, for whoever may not fill one.
#[test]
#[cfg(target_os = "linux")]
fn where_a_file_becomes_too_long_the_one_that_was_asked_for_is_named() {
    let place = Place::new();
    place.import(&many(3_000, 5));
    for format in ["jsonl", "parquet"] {
        let command = place.command(&format!("export --format {format} out"));
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -f 1; exec \"$0\" \"$@\""]).arg(command.get_program());
        limited.args(command.get_args()).current_dir(place.path(".")).env("EVENTSTORE_STORE", "wal:data");
        let outcome = Outcome::from(limited.output().unwrap());
        assert_eq!(outcome.code, Some(1), "{outcome}");
        let error = "error: cannot write to out: File too large (os error 27)\nhint: raise the limit on the size of files";
        assert!(outcome.stderr.starts_with(error), "{format}: {outcome}");
        assert!(!place.path("out").exists(), "{format}");
    }
}

#[test]
fn a_backtrace_is_nothing_that_users_ask_for() {
    let place = Place::new();
    let run = |backtrace: &str| -> Command {
        let mut command = place.command("export -");
        command.env("RUST_BACKTRACE", backtrace);
        command
    };
    let errors = |backtrace| run(backtrace).output().unwrap().stderr;
    assert_eq!(errors("1"), errors("0"));
    assert!(!errors("1").is_empty());
}

#[test]
fn a_moment_is_written_in_one_way() {
    let place = Place::new();
    place.import(FEW);
    let exported = place.succeed("export -");
    assert_eq!(same_each_time(&exported).matches("\"recorded_at\":\"[moment]\"").count(), 4);
}

#[test]
fn for_programs_what_was_exported_is_one_line_of_json() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!(place.run("export out.jsonl --json"), @r#"
    exit code 0
    --- stdout
    {"events":4,"damages":[]}
    --- stderr
    "#);
    // Beside the events, and not among them.
    let outcome = place.run("export - --json");
    assert_eq!(outcome.stdout, place.succeed("export -"));
    assert_eq!(outcome.stderr, "{\"events\":4,\"damages\":[]}\n");
    let outcome = place.run("--store wal:nowhere export - --json");
    let error: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
    assert_eq!((outcome.code, error["exit_code"].as_u64()), (Some(2), Some(2)), "{outcome}");
}

#[test]
fn what_a_link_to_nothing_leads_to_is_made_when_the_export_is_complete() {
    let place = Place::new();
    place.import(&many(2_000, 3));
    symlink("later.jsonl", place.path("link")).unwrap();
    symlink("link", place.path("link-to-it")).unwrap();
    place.succeed("export link-to-it");
    assert_eq!(place.read("later.jsonl"), place.succeed("export -"));
    assert!(place.path("link").is_symlink() && place.path("link-to-it").is_symlink());

    fs::remove_file(place.path("later.jsonl")).unwrap();
    place.flip_a_bit();
    assert_eq!(place.run("export link").code, Some(1));
    assert!(!place.path("later.jsonl").exists());
}

/// A folder cannot be read as a file, whoever tries.
#[test]
fn what_cannot_be_read_beside_the_events_keeps_none_from_being_saved() {
    for name in ["00000000000000000001.idx", "SYNCED", "MANIFEST", "snapshots.log"] {
        let place = Place::new();
        place.import(FEW);
        let whole = place.succeed("export -");
        let path = place.path("data").join(name);
        if path.exists() {
            fs::remove_file(&path).unwrap();
        }
        fs::create_dir(&path).unwrap();
        let outcome = place.run("export --salvage out.jsonl");
        assert_eq!(place.read("out.jsonl"), whole, "{name}: {outcome}");
        // An index is made of the rest.
        let is_of_events = !name.ends_with(".idx");
        assert_eq!(outcome.code, Some(i32::from(is_of_events)), "{name}: {outcome}");
        assert_eq!(outcome.stderr.contains(name), is_of_events, "{outcome}");
        let checked = place.run("verify");
        assert_eq!(checked.code, Some(1), "{name}: {checked}");
        assert!(checked.stdout.contains(name) || checked.stderr.contains(name), "{checked}");
    }
}
