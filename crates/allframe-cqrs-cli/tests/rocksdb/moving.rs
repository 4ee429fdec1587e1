//! Events in, out, and from one store to another.

use std::fs;

use crate::{
    on_rocksdb,
    support::{FEW, Place, killed_and_completed, many, same_each_time},
};

#[test]
fn a_file_is_imported_once_however_often() {
    let place = on_rocksdb();
    place.write("events.jsonl", FEW);
    insta::assert_snapshot!(place.run("import events.jsonl"));
    let first = place.succeed("export -");
    insta::assert_snapshot!(place.run("import events.jsonl"));
    assert_eq!(place.succeed("export -"), first);
}

#[test]
fn events_move_from_the_log_into_rocksdb_and_back() {
    for lines in [FEW.to_owned(), many(5_000, 3), many(3_000, 1_000), String::new()] {
        let (from, to, back) = (Place::new(), on_rocksdb(), Place::new());
        from.import(&lines);
        let exported = from.succeed("export -");
        to.import(&exported);
        let of_rocksdb = to.succeed("export -");
        assert_eq!(same_each_time(&of_rocksdb), same_each_time(&exported));
        back.import(&of_rocksdb);
        assert_eq!(same_each_time(&back.succeed("export -")), same_each_time(&exported));
        to.succeed("verify");
    }
}

#[test]
fn a_parquet_file_is_imported_as_it_was_exported() {
    let (place, other) = (on_rocksdb(), on_rocksdb());
    place.import(&many(5_000, 50));
    place.succeed("export --format parquet out.parquet");
    fs::copy(place.path("out.parquet"), other.path("in.parquet")).unwrap();
    assert_eq!(other.succeed("import in.parquet"), "imported 5000, already there 0\n");
    let exported = [&place, &other].map(|it| same_each_time(&it.succeed("export -")));
    assert_eq!(exported[0], exported[1]);
}

#[test]
fn a_file_that_is_there_in_parts_is_completed() {
    let place = on_rocksdb();
    let lines = many(2_000, 5);
    let known: Vec<&str> = lines.lines().take(700).chain(lines.lines().skip(1_200).take(3)).collect();
    place.import(&known.join("\n"));
    place.write("events.jsonl", &lines);
    assert_eq!(place.succeed("import events.jsonl"), "imported 1297, already there 703\n");
    place.succeed("verify");
}

#[test]
fn what_was_acknowledged_is_there_and_importing_again_completes_it() {
    let lines = many(60_000, 37);
    let there = [1, 7, 20].map(|batches| {
        let place = on_rocksdb();
        killed_and_completed(&place, |arguments| place.command(arguments), &lines, batches)
    });
    assert!(there.iter().any(|there| *there < 60_000), "none was killed on the way");
}
