//! The kinds of stores that this program opens: one file and one line each.

#[cfg(any(feature = "memory", feature = "postgres"))]
mod check;
#[cfg(test)]
#[cfg(feature = "memory")]
pub(crate) mod erring;
#[cfg(any(feature = "wal", feature = "rocksdb"))]
mod files;
mod left_out;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod retries;
#[cfg(feature = "rocksdb")]
mod rocksdb;
mod target;
mod verdict;
#[cfg(feature = "wal")]
mod wal;

use std::{fmt, path::Path, sync::Arc};

use async_trait::async_trait;
use eventstore_api::{EventStoreBackend, RecordedEvent, Result, StoreError, message_with_causes};

pub(crate) use self::{
    left_out::how_to_get,
    retries::with_retries,
    target::{Measure, Target},
    verdict::{Place, Verdict},
};
use crate::{failure::Failure, notes::note, progress::Progress, screen::count};

pub(crate) const KNOWN: &[Kind] = &[
    #[cfg(feature = "wal")]
    wal::KIND,
    #[cfg(feature = "rocksdb")]
    rocksdb::KIND,
    #[cfg(feature = "postgres")]
    postgres::KIND,
    #[cfg(feature = "memory")]
    memory::KIND,
];

/// A kind of store.
pub(crate) struct Kind {
    /// How its URL looks.
    pub(crate) form: &'static str,
    /// The store that a URL names; `None` where it names none of this kind.
    pub(crate) named: fn(url: &str) -> Option<Named>,
}

/// Where the store is that a URL names, or what is wrong with the URL.
pub(crate) type Named = Result<Box<dyn Location>, Failure>;

pub(crate) type Store = Arc<dyn EventStoreBackend>;
pub(crate) type OnEvent<'e> = dyn FnMut(RecordedEvent) + 'e;

/// Where a store is. It is shown as a URL, without what must not be seen.
#[async_trait(?Send)]
pub(crate) trait Location: fmt::Display {
    /// Opens the store that is there. Changes nothing, and keeps nobody from it.
    async fn for_reading(&self) -> Result<Store>;

    /// Opens the store, or begins it.
    async fn for_writing(&self) -> Result<Box<dyn Target>>;

    /// The same for a store that all of another one is restored into, and that is closed then.
    async fn for_filling(&self) -> Result<Box<dyn Target>> {
        self.for_writing().await
    }

    /// Opens the store, or begins it, so that what is appended is durable before it is acknowledged.
    async fn for_appending(&self) -> Result<Store>;

    /// Checks everything that is stored.
    async fn verified(&self, progress: &mut Progress) -> Result<Verdict>;

    /// Shows every event that is whole, also where the store is damaged, and checks it; `None` where only the store itself
    /// can tell what is whole.
    async fn salvaged(&self, show: &mut OnEvent<'_>) -> Option<Result<Verdict>>;

    /// How many whole events at its end whoever reads it is not shown, as nothing says that they are durable, and nobody is at work who
    /// would say it. Of a store that this has opened for reading.
    async fn unproven(&self) -> Result<u64> {
        Ok(0)
    }

    /// Opens a store that there is, to see whether there is one.
    async fn is_begun(&self) -> Result<()> {
        self.for_reading().await.map(drop)
    }

    /// The same for every way in which this store can be named, as far as that can be told without asking anybody.
    fn identity(&self) -> String {
        self.to_string()
    }

    /// The same for every way in which it can be named, as its server says, where it has one: also of a store that is not begun.
    async fn identity_by_its_server(&self) -> Result<Option<String>> {
        Ok(None)
    }

    /// Whether its files are in this folder.
    fn is_in(&self, _folder: &Path) -> bool {
        false
    }

    /// How much it takes on disk, where that can be told.
    fn bytes(&self) -> Option<u64>;

    /// Whether what is written there is gone when this program ends.
    fn is_forgotten(&self) -> bool {
        false
    }

    /// Whether what reads it keeps files elsewhere meanwhile, which go when it is dropped, and not when a signal ends the program.
    fn reader_keeps_files(&self) -> bool {
        false
    }

    /// Whether it could not be opened for reading because there is none.
    fn is_not_begun(&self, _failed: &StoreError) -> bool {
        false
    }

    /// What to do where it could not be opened, if the failure does not say it.
    fn advice(&self, _failed: &StoreError, _purpose: Purpose) -> Option<&'static str> {
        None
    }
}

/// What a store was to be opened for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Reading,
    /// Where there is no store, one is begun.
    Writing,
}

pub(crate) async fn open_for_reading(location: &dyn Location) -> Result<Store, Failure> {
    let store = opened_for_reading(location).await?;
    match location.unproven().await {
        Ok(0) => {}
        Ok(unproven) => {
            let events = count(unproven, "event");
            note(&format!("{events} at the end of the store {LEFT_OUT}; `recover` does"));
        }
        Err(error) => {
            let error = message_with_causes(&error);
            note(&format!("it cannot be told whether events are left out at the end of the store: {error}"));
        }
    }
    Ok(store)
}

async fn opened_for_reading(location: &dyn Location) -> Result<Store, Failure> {
    location.for_reading().await.map_err(|error| not_opened(location, error, Purpose::Reading))
}

/// The same for what must not pass for all of it where it is less.
pub(crate) async fn open_for_reading_all(location: &dyn Location) -> Result<Store, Failure> {
    let store = opened_for_reading(location).await?;
    match location.unproven().await? {
        0 => Ok(store),
        events => Err(Failure::Unproven { store: location.to_string(), events }),
    }
}

/// Says that it was all, behind what was read: whoever wrote it may have ended meanwhile.
pub(crate) async fn was_all(location: &dyn Location) -> Result<(), Failure> {
    match location.unproven().await? {
        0 => Ok(()),
        events => Err(Failure::LeftBehind { store: location.to_string(), events }),
    }
}

/// Why events are left out that may be there.
pub(crate) const LEFT_OUT: &str = "are whole, but left out, since nothing says that they are durable: whoever opens the store for writing makes them so";

pub(crate) async fn open_for_writing(location: &dyn Location) -> Result<Box<dyn Target>, Failure> {
    location.for_writing().await.map_err(|error| not_opened(location, error, Purpose::Writing))
}

pub(crate) async fn open_for_filling(location: &dyn Location) -> Result<Box<dyn Target>, Failure> {
    location.for_filling().await.map_err(|error| not_opened(location, error, Purpose::Writing))
}

pub(crate) async fn open_for_appending(location: &dyn Location) -> Result<Store, Failure> {
    location.for_appending().await.map_err(|error| not_opened(location, error, Purpose::Writing))
}

/// Opens a store that there is, whatever a crash has left of it, so that what is appended is durable before it is acknowledged.
pub(crate) async fn open_existing_for_appending(location: &dyn Location) -> Result<Store, Failure> {
    match location.is_begun().await {
        Err(error) if location.is_not_begun(&error) => Err(not_opened(location, error, Purpose::Reading)),
        // What keeps a reader from it, a writer may put in order.
        _ => open_for_appending(location).await,
    }
}

/// Whether two places are of one store.
pub(crate) async fn are_the_same(one: &dyn Location, other: &dyn Location) -> Result<bool, Failure> {
    if one.identity() == other.identity() {
        return Ok(true);
    }
    let Some(identity) = asked_identity(one).await? else { return Ok(false) };
    Ok(asked_identity(other).await? == Some(identity))
}

async fn asked_identity(location: &dyn Location) -> Result<Option<String>, Failure> {
    let identity = location.identity_by_its_server().await;
    identity.map_err(|error| not_opened(location, error, Purpose::Reading))
}

/// Tells it where closing a store has failed too: a command ends with one failure, and that is what it has failed of before.
pub(crate) fn note_if_not_closed(closed: &Result<()>) {
    if let Err(error) = closed {
        note(&format!("the store could not be closed either: {}", message_with_causes(error)));
    }
}

fn not_opened(location: &dyn Location, error: StoreError, purpose: Purpose) -> Failure {
    let hint = location.advice(&error, purpose);
    Failure::Open { what: location.to_string(), hint, source: error.into() }
}

pub(crate) async fn verify(location: &dyn Location, progress: &mut Progress) -> Result<Verdict, Failure> {
    let verdict = location.verified(progress).await;
    verdict.map_err(|error| not_checked(location, error))
}

pub(crate) async fn salvage(location: &dyn Location, show: &mut OnEvent<'_>) -> Result<Verdict, Failure> {
    match location.salvaged(show).await {
        Some(verdict) => verdict.map_err(|error| not_checked(location, error)),
        None => Err(Failure::Usage(format!(
            "--salvage goes through the files of a store, and those of {location} are its server's: export it without, \
             and repair or restore the database with the means of its server where that fails"
        ))),
    }
}

fn not_checked(location: &dyn Location, source: StoreError) -> Failure {
    Failure::NotChecked {
        store: location.to_string(),
        hint: location.advice(&source, Purpose::Reading),
        source,
    }
}
