//! The kinds of stores that this program opens: one file and one line each.

#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "wal")]
mod wal;

use std::sync::Arc;

use eventstore_api::{EventStoreBackend, RecordedEvent, Result};
use serde::Serialize;

use crate::{failure::Failure, store_url::StoreUrl};

pub(crate) const KNOWN: &[Kind] = &[
    #[cfg(feature = "wal")]
    wal::KIND,
    #[cfg(feature = "memory")]
    memory::KIND,
];

/// A kind of store.
pub(crate) struct Kind {
    pub(crate) scheme: &'static str,
    /// How its URL looks.
    pub(crate) form: &'static str,
    /// Whether something stands behind the colon.
    pub(crate) has_place: bool,
    /// Opens one that is there. Changes nothing, and keeps nobody from it.
    open_for_reading: fn(place: &str) -> Opened,
    /// Opens one, or begins it. What is appended need not be durable before it is flushed.
    open_for_writing: fn(place: &str) -> Opened,
    /// Checks everything that is stored.
    verify: fn(place: &str, progress: &mut OnProgress<'_>) -> Result<Verdict>,
    /// Shows every event that is whole, also where the store is damaged, and checks it.
    salvage: fn(place: &str, show: &mut OnEvent<'_>) -> Result<Verdict>,
    /// How much it takes on disk, where that can be told.
    bytes: fn(place: &str) -> Option<u64>,
}

pub(crate) type Store = Arc<dyn EventStoreBackend>;
type Opened = Result<Store>;
/// Is told how far a job has come, and how far there is to go.
type OnProgress<'p> = dyn FnMut(u64, u64) + 'p;
type OnEvent<'e> = dyn FnMut(RecordedEvent) + 'e;

/// What checking a store came to.
#[derive(Default, Serialize)]
pub(crate) struct Verdict {
    /// What was found whole.
    pub(crate) events: u64,
    pub(crate) streams: u64,
    pub(crate) snapshots: u64,
    pub(crate) head: u64,
    /// How many were read.
    pub(crate) bytes: u64,
    /// Where the store is not what was written.
    pub(crate) damages: Vec<Place>,
    /// Where something is damaged that can be made anew from the rest.
    pub(crate) rebuildable: Vec<Place>,
    /// What is unusual, and no damage.
    pub(crate) notes: Vec<String>,
}

/// Where something is wrong, and what.
#[derive(Serialize)]
pub(crate) struct Place {
    pub(crate) place: String,
    pub(crate) detail: String,
}

impl Verdict {
    pub(crate) fn is_sound(&self) -> bool {
        self.damages.is_empty() && self.rebuildable.is_empty()
    }
}

pub(crate) fn open_for_reading(url: &StoreUrl) -> Result<Store, Failure> {
    (url.kind.open_for_reading)(&url.place).map_err(|error| Failure::open(url.to_string(), error))
}

pub(crate) fn open_for_writing(url: &StoreUrl) -> Result<Store, Failure> {
    (url.kind.open_for_writing)(&url.place).map_err(|error| Failure::open(url.to_string(), error))
}

pub(crate) fn verify(url: &StoreUrl, mut progress: impl FnMut(u64, u64)) -> Result<Verdict, Failure> {
    (url.kind.verify)(&url.place, &mut progress)
        .map_err(|source| Failure::NotChecked { store: url.to_string(), source })
}

pub(crate) fn salvage(url: &StoreUrl, mut show: impl FnMut(RecordedEvent)) -> Result<Verdict, Failure> {
    (url.kind.salvage)(&url.place, &mut show)
        .map_err(|source| Failure::NotChecked { store: url.to_string(), source })
}

pub(crate) fn bytes(url: &StoreUrl) -> Option<u64> {
    (url.kind.bytes)(&url.place)
}
