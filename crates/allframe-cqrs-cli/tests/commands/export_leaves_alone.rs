//! What an export does not replace.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::support::{FEW, Place};

/// Every file of a folder, with what is in it.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn the_files_of_the_store_that_is_exported_are_not_replaced() {
    let place = Place::new();
    place.import(FEW);
    symlink("data", place.path("store")).unwrap();
    symlink("data/MANIFEST", place.path("link")).unwrap();
    let before = content(&place.path("data"));
    let segment = "data/00000000000000000001.wal";
    for out in [segment, "data/MANIFEST", "data/new", "./data/../data/new", "store/new", "link"] {
        for options in ["", "--salvage", "--format parquet"] {
            let outcome = place.run(&format!("export {options} {out}"));
            assert_eq!(outcome.code, Some(2), "{options} {out}: {outcome}");
            assert!(outcome.stderr.contains("name another folder"), "{options} {out}: {outcome}");
        }
    }
    // Nor by another name of the store.
    assert_eq!(place.run("--store wal:store export data/MANIFEST").code, Some(2));
    assert_eq!(content(&place.path("data")), before);
    assert!(place.path("link").is_symlink());
}

#[test]
fn a_folder_beside_the_store_is_not_of_it() {
    let place = Place::new();
    place.import(FEW);
    fs::create_dir(place.path("data-of-today")).unwrap();
    let whole = place.succeed("export -");
    for out in ["out", "data-of-today/MANIFEST"] {
        place.succeed(&format!("export {out}"));
        assert_eq!(place.read(out), whole, "{out}");
    }
}

#[test]
fn a_file_is_not_replaced_by_a_salvage_that_finds_no_event_in_what_is_damaged() {
    for format in ["jsonl", "parquet"] {
        let place = Place::new();
        place.import(FEW);
        for path in content(&place.path("data")).into_keys() {
            if path.extension().is_some_and(|extension| extension == "wal") {
                fs::remove_file(path).unwrap();
            }
        }
        place.write("out", "what was saved before");
        for out in ["out", "new"] {
            let outcome = place.run(&format!("export --salvage --format {format} {out}"));
            assert_eq!(outcome.code, Some(1), "{outcome}");
            assert!(outcome.stderr.starts_with("note: no event could be saved"), "{outcome}");
            assert!(outcome.stderr.contains("\ndamaged: "), "{outcome}");
        }
        assert_eq!(place.read("out"), "what was saved before");
        assert!(!place.path("new").exists());
        let outcome = place.run(&format!("export --salvage --json --format {format} out"));
        assert!(outcome.stdout.starts_with("{\"events\":0,\"damages\":[{"), "{outcome}");
    }
}

#[test]
fn a_store_without_events_that_is_whole_is_salvaged_as_it_is() {
    let place = Place::new();
    place.import("");
    place.write("out", "what was here before");
    place.succeed("export --salvage out");
    assert_eq!(place.read("out"), "");
}
