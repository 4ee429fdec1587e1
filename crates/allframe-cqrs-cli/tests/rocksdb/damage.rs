//! A store that is not what was written.

use std::{fs, path::PathBuf};

use crate::{
    on_rocksdb,
    support::{FEW, Place, many},
};

fn sorted_files(place: &Place) -> Vec<PathBuf> {
    let files = fs::read_dir(place.path("data")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "sst")).collect()
}

/// The largest sorted file, which is the one with the events.
fn largest_file(place: &Place) -> PathBuf {
    sorted_files(place).into_iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
}

#[test]
fn a_flipped_bit_is_found_where_it_is() {
    let place = on_rocksdb();
    place.import(&many(3_000, 5));
    let file = largest_file(&place);
    let mut bytes = fs::read(&file).unwrap();
    bytes[10_000] ^= 1;
    fs::write(&file, bytes).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();

    let outcome = place.run("verify");
    assert_eq!(outcome.code, Some(1), "{outcome}");
    assert!(outcome.stdout.starts_with("damaged at 1 place: "), "{outcome}");
    assert!(
        outcome.stdout.contains("\ndamaged: the events at positions ") && outcome.stdout.contains(name),
        "{outcome}"
    );
    let json = place.run("verify --json");
    assert_eq!(json.code, Some(1), "{json}");
    assert!(json.stdout.starts_with(r#"{"sound":false,"#), "{json}");

    // What comes to the place fails, and does not pretend that the store ends there.
    for command in ["export -", "inspect account-3"] {
        let outcome = place.run(command);
        assert_eq!(outcome.code, Some(1), "{command}: {outcome}");
        assert!(outcome.stderr.contains("error: the store is damaged at "), "{command}: {outcome}");
    }
    let exported = place.run("export -").stdout;

    // What is whole behind it can be had too.
    let saved = place.run("export --salvage -");
    assert_eq!(saved.code, Some(1), "{saved}");
    assert!(saved.stderr.starts_with("damaged: the events at positions "), "{saved}");
    assert!(saved.stdout.starts_with(&exported));
    let all = saved.stdout.lines().count();
    assert!(exported.lines().count() < all && all < 3_000, "{all}");
    assert!(saved.stdout.trim_end().ends_with('}') && saved.stdout.contains(r#""position":3000,"#));
    assert!(outcome.stdout.contains(&format!("place: {all} events of 5 streams")), "{outcome}");
}

#[test]
fn of_a_sound_store_everything_is_saved() {
    let place = on_rocksdb();
    place.import(FEW);
    assert_eq!(place.succeed("export --salvage -"), place.succeed("export -"));
}

#[test]
fn whatever_file_is_gone_is_told_and_never_passes_for_the_end() {
    let place = on_rocksdb();
    place.import(&many(3_000, 5));
    let names = sorted_files(&place);
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        let content = fs::read(&name).unwrap();
        fs::remove_file(&name).unwrap();
        for command in ["verify", "import /dev/null"] {
            let outcome = place.run(command);
            assert_eq!(outcome.code, Some(1), "{command}: {outcome}");
        }
        // Where it is the file of an index that these have no need of, they are right.
        for (command, is_whole) in [
            ("export -", (|shown| shown.lines().count() == 3_000) as fn(&str) -> bool),
            ("stats --json", |shown| shown.starts_with(r#"{"total_events":3000,"total_streams":5,"#)),
            ("tail --json", |shown| shown.contains(r#""position":3000,"#)),
        ] {
            let outcome = place.run(command);
            let error = ["error: ", r#"{"error":"#].iter().any(|begin| outcome.stderr.starts_with(begin));
            let is_told = outcome.code != Some(0) && error;
            assert!(is_told || is_whole(&outcome.stdout), "{command}: {outcome}");
        }
        fs::write(&name, content).unwrap();
    }
    place.succeed("verify");
}

/// What it says of itself is in the smallest files, and an index of types, which nobody asks here.
#[test]
fn a_flipped_bit_in_what_a_store_says_of_itself_keeps_nobody_from_saving_its_events() {
    let place = on_rocksdb();
    place.import(&many(3_000, 5));
    let exported = place.succeed("export -");
    let small = |path: &PathBuf| fs::metadata(path).unwrap().len() < 4_000;
    let small: Vec<_> = sorted_files(&place).into_iter().filter(small).collect();
    assert!(!small.is_empty(), "{:?}", sorted_files(&place));
    for file in small {
        let mut bytes = fs::read(&file).unwrap();
        bytes[3] ^= 1;
        fs::write(&file, bytes).unwrap();
    }
    assert_eq!(place.run("export -").code, Some(1));
    let saved = place.run("export --salvage -");
    assert_eq!(saved.code, Some(1), "{saved}");
    assert!(saved.stderr.starts_with("damaged: the RocksDB database in data: "), "{saved}");
    assert_eq!(saved.stdout, exported);
    let verified = place.run("verify");
    assert_eq!(verified.code, Some(1), "{verified}");
    assert!(verified.stdout.contains("3000 events of 5 streams"), "{verified}");
}

#[test]
fn a_store_of_which_nothing_is_left_is_told() {
    let place = on_rocksdb();
    place.import(FEW);
    for entry in fs::read_dir(place.path("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("MANIFEST") {
            fs::write(path, "nothing").unwrap();
        }
    }
    let outcome = place.run("verify");
    assert_eq!(outcome.code, Some(1), "{outcome}");
    assert!(outcome.stdout.ends_with("note: so damaged that nothing else could be looked at\n"), "{outcome}");
    assert_eq!(place.run("export --salvage -").code, Some(2));
}
