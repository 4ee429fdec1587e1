use std::fmt;

use eventstore_api::{EventStoreBackend, GlobalPosition, RecordedEvent};

use super::{
    CopyOrder, CopyPhase, CopyProgress, IntoTransformed, KeepAll, KeyRecords, Output, Reencode, Transform,
    TransformFunction,
    control::{Identity, Sharing},
    limits::Limits,
    progress::{Teller, Told},
    staged::Stage,
};
use crate::{Event, EventStore};

/// A store rewritten into another one, event by event. See [the module](super).
///
/// It is named: the target keeps under its name how far it is, and whoever makes a copy of the same name goes on there.
pub struct StoreCopy<'a, S = (), T = (), F = KeepAll> {
    pub(super) source: &'a S,
    pub(super) target: &'a T,
    pub(super) transform: F,
    pub(super) identity: Identity,
    pub(super) limits: Limits,
    pub(super) key_records: KeyRecords,
    pub(super) told: Option<Box<Told<'a>>>,
}

impl StoreCopy<'_> {
    /// A copy of this name, which keeps every event as it is.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            source: &(),
            target: &(),
            transform: KeepAll,
            identity: Identity { name: name.into(), version: 1, sharing: Sharing::Alone },
            limits: Limits::default(),
            key_records: KeyRecords::default(),
            told: None,
        }
    }
}

impl<'a, S, T, F> StoreCopy<'a, S, T, F> {
    /// The same copy, from this store. Nothing is written to it.
    #[must_use]
    pub fn from<B: EventStoreBackend>(self, source: &'a B) -> StoreCopy<'a, B, T, F> {
        let Self { target, transform, identity, limits, key_records, told, .. } = self;
        StoreCopy { source, target, transform, identity, limits, key_records, told }
    }

    /// The same copy, into this store, which is to be empty when it begins.
    #[must_use]
    pub fn to<B: EventStoreBackend>(self, target: &'a B) -> StoreCopy<'a, S, B, F> {
        let Self { source, transform, identity, limits, key_records, told, .. } = self;
        StoreCopy { source, target, transform, identity, limits, key_records, told }
    }

    /// The same copy, in which this function says what becomes of each event, as a [`Transform`] does. It answers nothing,
    /// or a `Result` with any error.
    #[must_use]
    pub fn transform<G, R>(self, transform: G) -> StoreCopy<'a, S, T, TransformFunction<G, R>>
    where
        G: Fn(&RecordedEvent, &mut Output<'_>) -> R + Send + Sync,
        R: IntoTransformed,
    {
        self.transform_by(TransformFunction::new(transform))
    }

    /// The same copy, in which this says what becomes of each event.
    #[must_use]
    pub fn transform_by<G: Transform>(self, transform: G) -> StoreCopy<'a, S, T, G> {
        let Self { source, target, identity, limits, key_records, told, .. } = self;
        StoreCopy { source, target, transform, identity, limits, key_records, told }
    }

    /// The same copy, which writes the events that this store reads as it would write them today, and keeps all others: see
    /// [`Reencode`].
    #[must_use]
    pub fn reencode<E: Event, B: EventStoreBackend>(
        self,
        store: &EventStore<E, B>,
    ) -> StoreCopy<'a, S, T, Reencode<E>> {
        self.transform_by(Reencode::of(store))
    }

    /// The same copy, with the version of its transform; 1 where it is not said. A copy that was begun with another one does not
    /// go on: raise it when you change what the transform does.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.identity.version = version;
        self
    }

    /// The same copy, which appends so many events at a time at most; 1 to 65,535, and 1,024 where it is not said. It reads as
    /// many at a time.
    #[must_use]
    pub fn batch_events(mut self, events: usize) -> Self {
        self.limits = Limits { events, ..self.limits }.clamped();
        self
    }

    /// The same copy, which appends so many bytes at a time at most, unless one event takes more; up to almost 64 MiB, and 4 MiB
    /// where it is not said. It reads as many at a time: what it takes in memory is about three times this.
    #[must_use]
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.limits = Limits { bytes, ..self.limits }.clamped();
        self
    }

    /// The same copy, which writes in this order; [`CopyOrder::Positions`] where it is not said.
    #[must_use]
    pub fn order(mut self, order: CopyOrder) -> Self {
        self.limits.order = order;
        self
    }

    /// The same copy, which does this with the records of idempotency keys; [`KeyRecords::Carry`] where it is not said.
    #[must_use]
    pub fn key_records(mut self, key_records: KeyRecords) -> Self {
        self.key_records = key_records;
        self
    }

    /// The same copy, into a store in which others may write: several sources are copied into one target this way, each under a
    /// name of its own.
    ///
    /// Their events may come to stand in the same streams, in the order in which they are written.
    #[must_use]
    pub fn into_shared_target(mut self) -> Self {
        self.identity.sharing = Sharing::Shared;
        self
    }

    /// The same copy, which tells this how far it is, after every append and every append that was verified.
    #[must_use]
    pub fn on_progress(mut self, told: impl Fn(&CopyProgress) + Send + Sync + 'a) -> Self {
        self.told = Some(Box::new(told));
        self
    }

    pub(super) fn teller(&self, phase: CopyPhase, head: GlobalPosition) -> Teller<'_> {
        Teller::new(self.told.as_deref().map(|told| told as _), phase, head)
    }

    pub(super) fn stage(&self) -> Stage<'_, S, F> {
        Stage { source: self.source, transform: &self.transform, key_records: self.key_records }
    }
}

impl<S, T, F> fmt::Debug for StoreCopy<'_, S, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreCopy")
            .field("identity", &self.identity)
            .field("limits", &self.limits)
            .field("key_records", &self.key_records)
            .finish_non_exhaustive()
    }
}
