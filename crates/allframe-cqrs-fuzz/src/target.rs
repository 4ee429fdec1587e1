//! What a fuzzer calls, by name.

use std::fmt;

use crate::{codec, earlier_events, json_command, parquet, records, schemas, tables, texts, workers};
#[cfg(not(test))]
use crate::{jsonl, postgres_rows, rocksdb_layout};

/// How far an input came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was refused.
    Refused,
    /// It was read, and what must hold of it holds.
    Read,
}

/// What must hold, and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding(pub(crate) String);

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Finding {}

/// What a fuzzer calls.
pub type Target = fn(&[u8]) -> Result<Outcome, Finding>;

/// Every target, by its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("codec", codec::read),
    ("texts", texts::read),
    ("parquet", parquet::read_file),
    ("parquet_events", parquet::write_events),
    ("json_command", json_command::dispatch),
    #[cfg(not(test))]
    ("jsonl", jsonl::read),
    #[cfg(not(test))]
    ("postgres_rows", postgres_rows::read),
    #[cfg(not(test))]
    ("rocksdb_layout", rocksdb_layout::read),
    ("earlier_events", earlier_events::read),
    ("tables", tables::read),
    ("schemas", schemas::compare),
    ("records", records::read),
    ("workers", workers::read),
];

/// Calls the target of this name, which is one of [`TARGETS`].
///
/// # Errors
///
/// What the target found, or that there is none of this name.
pub fn run(name: &str, data: &[u8]) -> Result<Outcome, Finding> {
    let found = TARGETS.iter().find(|(it, _)| *it == name);
    let (_, target) = found.ok_or_else(|| Finding(format!("there is no target `{name}`")))?;
    target(data)
}

pub(crate) fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Result<(), Finding> {
    if holds { Ok(()) } else { Err(Finding(wrong())) }
}

/// What must not fail, since it succeeded before.
pub(crate) fn must<T, E: fmt::Display>(what: &str, result: Result<T, E>) -> Result<T, Finding> {
    result.map_err(|error| Finding(format!("{what}: {error}")))
}
