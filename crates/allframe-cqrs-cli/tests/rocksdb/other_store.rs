//! A directory in which there is a store of the other kind.

use std::{collections::BTreeMap, fs};

use crate::support::{FEW, Place};

#[test]
fn neither_kind_of_store_is_begun_in_the_directory_of_the_other() {
    for (there, other, words) in [
        ("rocksdb:data", "wal:data", "there is a RocksDB database here"),
        ("wal:data", "rocksdb:data", "data holds the log of another event store"),
    ] {
        let place = Place::with(there);
        place.import(FEW);
        let exported = place.succeed("export -");
        let before = files(&place);
        for command in
            ["append account-7 Closed", "import -", "stats", "export -", "verify", "export --salvage -"]
        {
            let outcome = place.run(&format!("--store {other} {command}"));
            assert_eq!(outcome.code, Some(2), "{command}: {outcome}");
            assert!(outcome.stderr.contains(words), "{command}: {outcome}");
            // There is a store, and it is not this one that is to be begun.
            assert!(!outcome.stderr.contains("hint: name the directory"), "{command}: {outcome}");
        }
        assert!(files(&place) == before, "{there}: it was changed");
        assert_eq!(place.succeed("export -"), exported);
        place.succeed("verify");
    }
}

/// The names and the bytes of all files of the store.
fn files(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(place.path("data")).unwrap().map(|entry| entry.unwrap());
    entries.map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap())).collect()
}
