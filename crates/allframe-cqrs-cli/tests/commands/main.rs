//! The program as its users run it: as a process, on stores in directories.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

mod append;
mod bench;
mod colours;
mod exit_codes;
mod export;
mod export_leaves_alone;
mod help;
mod import;
mod import_killed;
mod inspect;
mod manual;
mod migrate;
mod migrate_interrupted;
mod one_writer;
mod parquet;
mod passwords;
mod postgres;
mod postgres_commands;
mod postgres_server;
mod postgres_support;
mod process_managers;
mod projections;
mod recover;
mod round_trip;
mod sagas;
mod schemas;
mod signals;
mod snapshots_of_streams;
mod stats;
mod stores;
mod streams;
mod support;
mod tail;
mod terminal;
mod verify;

use std::path::Path;

#[test]
fn no_file_of_tests_is_forgotten() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/commands");
    for entry in directory.read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(module) = name.strip_suffix(".rs").filter(|name| *name != "main") {
            assert!(
                include_str!("main.rs").contains(&format!("\nmod {module};\n")),
                "{name} is not compiled"
            );
        }
    }
}
