use crate::support::{FEW, Place};

#[test]
fn a_store_must_be_named() {
    let place = Place::new();
    let outcome = place.command("stats").env_remove("EVENTSTORE_STORE").output().unwrap();
    insta::assert_snapshot!(without_rocksdb(crate::support::Outcome::from(outcome)));
    insta::assert_snapshot!(without_rocksdb(place.run("--store ./data stats")));
}

#[test]
fn a_store_that_is_named_by_nothing_is_not_named() {
    let place = Place::new();
    let unset = place.command("stats").env_remove("EVENTSTORE_STORE").output().unwrap();
    let unset = crate::support::Outcome::from(unset);
    assert!(unset.stderr.contains("set EVENTSTORE_STORE"), "{unset}");
    for arguments in ["stats", "schemas list"] {
        let empty = place.command(arguments).env("EVENTSTORE_STORE", "").output().unwrap();
        let empty = crate::support::Outcome::from(empty);
        assert_eq!((empty.code, &empty.stderr), (Some(2), &unset.stderr), "{arguments}: {empty}");
    }
}

#[test]
fn a_url_without_a_directory_is_told_what_it_lacks() {
    let place = Place::new();
    let outcome = place.run("--store wal: stats");
    assert_eq!(outcome.code, Some(2), "{outcome}");
    assert_eq!(outcome.stderr, "error: `wal:` names no directory, as `wal:./data` does\n");
}

#[test]
#[cfg(target_os = "linux")]
fn where_hardly_any_files_may_be_open_that_is_said() {
    let place = Place::new();
    place.import(FEW);
    for most in 6..=9 {
        let command = place.command("stats");
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", &format!("ulimit -n {most}; exec \"$0\" \"$@\"")]).arg(command.get_program());
        limited.args(command.get_args()).current_dir(place.path(".")).env("EVENTSTORE_STORE", "wal:data");
        let outcome = crate::support::Outcome::from(limited.output().unwrap());
        assert!(matches!(outcome.code, Some(0..=2)), "{most}: {outcome}");
        assert!(
            outcome.code == Some(0) || outcome.stderr.contains("Too many open files"),
            "{most}: {outcome}"
        );
    }
}

/// What is built with it says so.
fn without_rocksdb(outcome: crate::support::Outcome) -> String {
    outcome.to_string().replace("`rocksdb:DIR`, ", "")
}

#[test]
#[cfg(not(feature = "rocksdb"))]
fn a_store_that_the_program_was_built_without_is_refused_with_how_to_get_it() {
    let place = Place::new();
    insta::assert_snapshot!(place.run("--store rocksdb:data import /dev/null"));
    assert!(!place.path("data").exists());
}

/// As `psql` takes it, and this program does not.
#[test]
fn a_password_is_not_repeated_of_what_is_no_url() {
    let place = Place::new();
    for (store, shown) in [
        ("host=db user=app password=hunter2", "host=db user=app password=***"),
        ("host=db user=app password='hunter 2' dbname=app", "host=db user=app password=***"),
        ("host=db user=app PASSWORD = hunter2@3", "host=db user=app PASSWORD =***"),
    ] {
        let outcome = place.command("stats").env("EVENTSTORE_STORE", store).output().unwrap();
        let outcome = crate::support::Outcome::from(outcome);
        assert_eq!(outcome.code, Some(2), "{outcome}");
        assert!(outcome.stderr.starts_with(&format!("error: `{shown}` is no store")), "{outcome}");
    }
}

#[test]
fn a_store_can_be_named_anywhere() {
    let place = Place::new();
    place.import(FEW);
    let expected = place.succeed("export -");
    for arguments in ["--store wal:data export -", "export --store wal:data -", "export - --store=wal:./data"]
    {
        let outcome = place.command(arguments).env_remove("EVENTSTORE_STORE").output().unwrap();
        assert_eq!(String::from_utf8(outcome.stdout).unwrap(), expected);
    }
}

#[test]
fn a_directory_that_is_no_store_is_left_alone() {
    for command in [
        "stats",
        "export -",
        "tail",
        "inspect s",
        "verify",
        "streams",
        "snapshots",
        "projections",
        "sagas",
        "sagas retry trip ann",
        "processes",
    ] {
        let place = Place::new();
        insta::assert_snapshot!(
            format!(
                "no_directory_to_{}",
                command
                    .split(' ')
                    .take_while(|word| *word != "-" && *word != "s" && *word != "trip")
                    .collect::<Vec<_>>()
                    .join("_")
            ),
            place.run(command)
        );
        assert!(!place.path("data").exists());

        std::fs::create_dir(place.path("data")).unwrap();
        place.write("data/letter.txt", "Dear Ann");
        let outcome = place.run(command);
        assert_eq!(outcome.code, Some(2), "{command}: {outcome}");
        assert!(outcome.stderr.contains("hint: name the directory of a store"), "{command}: {outcome}");
        assert_eq!(std::fs::read_dir(place.path("data")).unwrap().count(), 1);
    }
}

#[test]
fn a_directory_without_a_store_is_told_from_one_that_is_not_there() {
    let place = Place::new();
    std::fs::create_dir(place.path("data")).unwrap();
    insta::assert_snapshot!(place.run("stats"));
    insta::assert_snapshot!(place.run("verify --json"));
}

/// Nobody makes a directory there.
#[test]
#[cfg(target_os = "linux")]
fn where_no_store_can_be_begun_nobody_is_told_which_commands_begin_one() {
    let place = Place::new();
    place.import(FEW);
    for command in ["migrate --from wal:data --to wal:/proc/x", "--store wal:/proc/x import /dev/null"] {
        let outcome = place.run(command);
        assert_eq!(outcome.code, Some(2), "{command}: {outcome}");
        assert!(outcome.stderr.contains("hint: no store can be begun there"), "{command}: {outcome}");
        assert!(!outcome.stderr.contains("migrate --to"), "{command}: {outcome}");
    }
}

#[test]
fn wrong_usage_has_a_code_of_its_own() {
    let place = Place::new();
    for arguments in ["", "statistics", "stats extra", "tail -n many", "inspect", "export --format csv -"] {
        assert_eq!(place.run(arguments).code, Some(2), "{arguments}");
    }
}
