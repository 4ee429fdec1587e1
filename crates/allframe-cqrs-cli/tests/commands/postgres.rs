use std::fs;

use crate::{
    postgres_support::{Schema, server},
    support::{
        FEW, Place, Running, ids, importing, killed_and_completed, many, same_each_time, without_sizes,
    },
};

#[test]
fn a_file_is_imported_once_however_often() {
    let schema = Schema::new();
    assert_eq!(schema.import(FEW), "imported 4, already there 0\n");
    let first = schema.succeed("export -");
    assert_eq!(schema.import(FEW), "imported 0, already there 4\n");
    assert_eq!(schema.succeed("export -"), first);
}

#[test]
fn what_is_exported_is_what_a_store_in_a_directory_exports() {
    for lines in [FEW.to_owned(), many(3_000, 7), String::new()] {
        let (schema, place) = (Schema::new(), Place::new());
        schema.import(&lines);
        place.import(&lines);
        assert_eq!(same_each_time(&schema.succeed("export -")), same_each_time(&place.succeed("export -")));
    }
}

#[test]
fn events_move_from_a_directory_into_a_database_and_back() {
    let (from, schema, back) = (Place::new(), Schema::new(), Place::new());
    from.import(&many(3_000, 1_000));
    let lines = from.succeed("export -");
    schema.import(&lines);
    back.import(&schema.succeed("export -"));
    assert_eq!(same_each_time(&back.succeed("export -")), same_each_time(&lines));
}

#[test]
fn a_parquet_file_is_imported_as_it_was_exported() {
    let (schema, other) = (Schema::new(), Schema::new());
    schema.import(&many(5_000, 50));
    schema.succeed("export --format parquet out.parquet");
    fs::copy(schema.place.path("out.parquet"), other.place.path("in.parquet")).unwrap();
    assert_eq!(other.succeed("import in.parquet"), "imported 5000, already there 0\n");
    let exported = [&schema, &other].map(|it| same_each_time(&it.succeed("export -")));
    assert_eq!(exported[0], exported[1]);
}

#[test]
fn a_file_that_is_there_in_parts_is_completed() {
    let schema = Schema::new();
    let lines = many(2_000, 5);
    let known: Vec<&str> = lines.lines().take(700).chain(lines.lines().skip(1_200).take(3)).collect();
    schema.import(&known.join("\n"));
    assert_eq!(schema.import(&lines), "imported 1297, already there 703\n");
    schema.succeed("verify");
}

#[test]
fn what_was_acknowledged_is_there_and_importing_again_completes_it() {
    let schema = Schema::new();
    let lines = many(60_000, 37);
    let there = killed_and_completed(&schema.place, |arguments| schema.command(arguments), &lines, 2);
    assert!(there < 60_000, "it was not killed on the way");
}

#[test]
fn it_can_be_looked_at() {
    let schema = Schema::new();
    schema.import(FEW);
    insta::assert_snapshot!(of_any_server(&schema.run("stats").to_string()));
    insta::assert_snapshot!(of_any_server(&schema.run("stats --json").to_string()));
    insta::assert_snapshot!(schema.run("tail"));
    insta::assert_snapshot!(schema.run("inspect account-7"));
}

/// Without the numbers that another server, or another moment, makes others.
fn of_any_server(shown: &str) -> String {
    let mut same = without_sizes(shown);
    for name in ["connections", "idle_connections"] {
        for before in [format!("postgres.{name} "), format!("\"{name}\":")] {
            let Some(at) = same.find(&before).map(|at| at + before.len()) else { continue };
            let padding = same[at..].find(|character: char| character.is_ascii_digit()).unwrap();
            let digits = same[at + padding..].find(|character: char| !character.is_ascii_digit()).unwrap();
            same.replace_range(at..at + padding + digits, "[number]");
        }
    }
    same
}

#[test]
fn a_sound_store_is_sound() {
    let schema = Schema::new();
    schema.import(FEW);
    insta::assert_snapshot!(schema.run("verify"));
    insta::assert_snapshot!(schema.run("verify --json"));
}

/// Whoever may do everything can damage a store all the same.
#[test]
fn what_was_done_behind_the_back_of_the_store_is_found() {
    let schema = Schema::new();
    schema.import(FEW);
    schema.sql(
        "ALTER TABLE event_log DISABLE TRIGGER USER; DELETE FROM event_log WHERE position = 2; \
         UPDATE event_log SET recorded_at = recorded_at - interval '1 hour' WHERE position = 4",
    );
    let outcome = schema.run("verify");
    assert_eq!(outcome.code, Some(1), "{outcome}");
    let shown = outcome.stdout.lines().map(|line| match line.split_once("it was recorded ") {
        Some((before, after)) => {
            let (micros, behind) = after.split_once(' ').unwrap();
            assert!(micros.parse::<u64>().unwrap() > 3_500_000_000, "{line}");
            format!("{before}it was recorded [some] {behind}\n")
        }
        None => format!("{line}\n"),
    });
    insta::assert_snapshot!(shown.collect::<String>());
    assert!(schema.run("verify --json").stdout.starts_with(r#"{"sound":false,"events":3,"#));
}

#[test]
fn an_export_in_which_an_event_is_missing_is_not_complete() {
    let schema = Schema::new();
    schema.import(FEW);
    schema.sql("ALTER TABLE event_log DISABLE TRIGGER USER; DELETE FROM event_log WHERE position = 2");
    schema.place.write("out", "what was here before");
    for arguments in ["export out", "export new", "export --format parquet out", "export -"] {
        let outcome = schema.run(arguments);
        assert_eq!(outcome.code, Some(1), "{arguments}: {outcome}");
        let error =
            "error: the export is not complete: the store counts 4 events, and 3 were found\nhint: `verify` ";
        assert!(outcome.stderr.starts_with(error), "{arguments}: {outcome}");
    }
    assert_eq!(schema.place.read("out"), "what was here before");
    assert!(!schema.place.path("new").exists());
    // How many there are behind a position is not counted.
    assert_eq!(schema.succeed("export --after 1 -").lines().count(), 2);
}

#[test]
fn a_store_whose_oldest_events_were_moved_out_is_sound() {
    let schema = Schema::new();
    let lines = many(25, 3);
    schema.import("");
    schema.sql("SELECT partition_event_log(10)");
    schema.import(&lines);
    schema.sql("SELECT retire_partition(1, 'elsewhere')");
    assert_eq!(
        schema.succeed("verify").lines().collect::<Vec<_>>()[1..],
        ["note: 10 events have been moved out of the store, which begins at position 11"]
    );
    assert_eq!(ids(&schema.succeed("export -")), ids(&lines)[10..]);
    assert_eq!(ids(&schema.succeed("tail --json -n 100")), ids(&lines)[10..]);
    // Of nine events of the stream four are among them.
    let inspected = schema.succeed("inspect account-0");
    assert!(inspected.starts_with("account-0: 5 events\n"), "{inspected}");
    assert!(inspected.contains("\n9  Deposited  "), "{inspected}");
}

#[test]
fn a_line_that_stands_twice_in_a_file_is_one_event() {
    for lines in [FEW.repeat(2), many(6, 3).repeat(2)] {
        let schema = Schema::new();
        let events = ids(&lines).len() / 2;
        assert_eq!(schema.import(&lines), format!("imported {events}, already there {events}\n"));
    }
}

#[test]
fn a_store_that_is_written_can_be_looked_at() {
    let schema = Schema::new();
    let lines = many(500, 7);
    let import = importing(|arguments| schema.command(arguments), &lines);
    assert_eq!(ids(&schema.succeed("export -")), ids(&lines));
    assert!(schema.succeed("verify --json").starts_with(r#"{"sound":true,"events":500,"streams":7,"#));
    assert_eq!(import.finish(), Some(0));
}

#[test]
fn events_from_another_process_are_followed() {
    let schema = Schema::new();
    let lines = many(3_000, 7);
    let (before, behind) = lines.split_at(lines.match_indices('\n').nth(4).unwrap().0 + 1);
    schema.import(before);

    let mut tail = Running::start(schema.command("tail --follow --json -n 2"));
    let mut shown: Vec<String> = (0..2).map(|_| tail.line().unwrap()).collect();
    schema.import(behind);
    while shown.len() < 2_997 {
        shown.push(tail.line().unwrap());
    }
    assert_eq!(ids(&shown.join("\n")), ids(&lines)[3..]);
    tail.kill();
}

#[test]
fn a_schema_without_a_store_is_left_alone() {
    for command in ["stats", "export -", "tail", "inspect s", "verify"] {
        let schema = Schema::new();
        let outcome = schema.run(command);
        assert_eq!(outcome.code, Some(2), "{command}: {outcome}");
        assert!(outcome.stderr.contains("schema `[schema]` is at version 0 of "), "{outcome}");
        assert!(outcome.stderr.contains("hint: name the schema of a store behind a `#`"), "{outcome}");
        // There is none to drop.
        schema.sql(&format!("CREATE SCHEMA {}", schema.name));
    }
}

#[test]
fn stores_in_two_schemas_of_a_database_are_two_stores() {
    let (one, other) = (Schema::new(), Schema::new());
    one.import(FEW);
    other.import(&many(10, 2));
    assert_eq!(one.succeed("export -").lines().count(), 4);
    assert_eq!(other.succeed("export -").lines().count(), 10);
}

#[test]
fn a_salvage_is_not_for_it_and_says_so() {
    let schema = Schema::new();
    schema.import(FEW);
    schema.place.write("out.jsonl", "what was here before");
    let outcome = schema.run("export --salvage out.jsonl");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{outcome}");
    let begin = "error: --salvage goes through the files of a store, and those of postgres";
    assert!(outcome.stderr.starts_with(begin) && outcome.stderr.contains("are its server's"), "{outcome}");
    assert_eq!(schema.place.read("out.jsonl"), "what was here before");
}

#[test]
fn a_password_is_never_shown() {
    let place = Place::new();
    // A port on which nothing listens; a name that is none of a schema; a parameter that is none; a scheme that is none.
    for url in [
        "postgresql://ann:secret@127.0.0.1:1/app",
        "postgresql://ann:secret@127.0.0.1:1/app#No-Schema",
        "postgresql://ann:secret@127.0.0.1:1/app?no_parameter=1",
        "postgresql://127.0.0.1:1/app?user=ann&password=secret",
        "postgres:/ann:secret@127.0.0.1:1/app",
    ] {
        for command in ["stats", "verify", "export --salvage -", "import /dev/null"] {
            let outcome = place.command(command).env("EVENTSTORE_STORE", url).output().unwrap();
            let outcome = crate::support::Outcome::from(outcome);
            assert_eq!(outcome.code, Some(2), "{url} {command}: {outcome}");
            let said = format!("{}{}", outcome.stdout, outcome.stderr);
            assert!(!said.contains("secret") && said.starts_with("error: "), "{url} {command}: {said}");
        }
    }
}

#[test]
fn both_schemes_name_the_same_store() {
    let schema = Schema::new();
    schema.import(FEW);
    let url = schema.url().replacen("postgresql://", "postgres://", 1);
    assert!(server().starts_with("postgres"));
    let outcome = schema.place.command("stats --json").env("EVENTSTORE_STORE", url).output().unwrap();
    let shown = of_any_server(&String::from_utf8(outcome.stdout).unwrap());
    assert!(shown.contains("\"total_events\":4"), "{shown}");
    assert_eq!(shown, of_any_server(&schema.succeed("stats --json")));
}
