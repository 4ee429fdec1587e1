use std::{any::type_name, fmt, sync::OnceLock};

use eventstore_api::{EventFilter, RecordedEvent};

#[cfg(feature = "schema")]
use super::graph::Node;
use super::{
    MigrationPath, Parts, VersionRegistry, VersioningError,
    chains::Chains,
    filter::{aliased_filter, typed_filter},
    graph::FormGraph,
    upcasting::upcast_record,
};
use crate::{
    Error, Event, Recorded, Result,
    error::{DecodeError, DecodeReason},
    event::{EventVariant, kind_named, kinds_of},
    payload,
};

/// Reads stored events as events of type `E`, whatever form they were stored in. All reading goes through one.
pub(crate) struct EventReader<E> {
    versions: VersionRegistry<E>,
    /// Put together on first use: a store may be made before anybody says of which events it is.
    chains: OnceLock<Result<Chains<E>, VersioningError>>,
}

/// How events of a name and version are read.
#[cfg(feature = "schema")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadNow {
    /// As they are.
    AsToday,
    /// By what the fields of today's type say of that version.
    AsDeclared,
    /// By an upcaster, or not at all.
    Otherwise,
}

impl<E> EventReader<E> {
    /// Reads what the type reads by itself.
    pub(crate) fn new() -> Self {
        Self { versions: VersionRegistry::new(), chains: OnceLock::new() }
    }
}

impl<E: Event> EventReader<E> {
    /// Reads what the type and these upcasters read.
    pub(crate) fn with(versions: VersionRegistry<E>) -> Result<Self, VersioningError> {
        let chains = versions.chains()?;
        Ok(Self { versions, chains: OnceLock::from(Ok(chains)) })
    }

    /// Whether all that was ever stored can be read, as far as that can be known before it is read.
    pub(crate) fn check(&self) -> Result<()> {
        self.chains().map(drop).map_err(|error| Error::Versioning(error.clone()))
    }

    /// As `check`, with the error as it is.
    #[cfg(feature = "schema")]
    pub(crate) fn check_versions(&self) -> Result<(), VersioningError> {
        self.chains().map(drop).map_err(Clone::clone)
    }

    /// What reads the events of this name and version.
    #[cfg(feature = "schema")]
    pub(crate) fn reads_now(&self, event_type: &str, schema_version: u32) -> ReadNow {
        let node = self.graph().ok().and_then(|graph| graph.node(event_type, schema_version));
        match node {
            Some(Node::Today(_)) => ReadNow::AsToday,
            Some(Node::Declared(_)) => ReadNow::AsDeclared,
            Some(Node::Typed(..) | Node::Json(_) | Node::Retired) | None => ReadNow::Otherwise,
        }
    }

    /// The events that a record reads as, each with the record.
    pub(crate) fn read(&self, record: RecordedEvent) -> Result<Parts<Recorded<E>>> {
        match self.today(&record) {
            Some(Ok(event)) => Ok(Parts::One(Recorded::new(event, record, 0))),
            Some(Err(reason)) => Err(undecoded(&record, type_name::<E>(), reason)),
            None => self.read_earlier(record),
        }
    }

    /// The events that a record reads as: one, unless an upcaster makes more of it, or none.
    pub(crate) fn events(&self, record: &RecordedEvent) -> Result<Parts<E>> {
        match self.today(record) {
            Some(Ok(event)) => Ok(Parts::One(event)),
            Some(Err(reason)) => Err(undecoded(record, type_name::<E>(), reason)),
            None => self.earlier_events(record),
        }
    }

    /// Whether a record is stored under a name of the type, today's or an earlier one.
    pub(crate) fn is_of_type(&self, record: &RecordedEvent) -> bool {
        match self.graph() {
            Ok(graph) => graph.stored_names().contains(&record.event_type),
            // Reading it says what is wrong.
            Err(_) => kind_named::<E>(record.event_type.as_str()).is_some(),
        }
    }

    /// Whether a record has a form that is known, so that it does not come down to what is done about unknown ones.
    pub(crate) fn is_known(&self, record: &RecordedEvent) -> bool {
        let is_today = |kind: EventVariant| kind.schema_version == record.schema_version;
        let node = |graph: &FormGraph| graph.node(record.event_type.as_str(), record.schema_version);
        kind_named::<E>(record.event_type.as_str()).is_some_and(is_today)
            || self.graph().is_ok_and(|graph| node(graph).is_some())
    }

    /// The same filter, for events of type `E` alone: the backend may hold others.
    pub(crate) fn filter(&self, filter: &EventFilter) -> EventFilter {
        typed_filter(filter, &kinds_of::<E>(), self.graph().ok())
    }

    /// The same filter, of events of any type, as [`Self::filter`] understands names.
    pub(crate) fn filter_with_aliases(filter: &EventFilter) -> EventFilter {
        aliased_filter(filter, &kinds_of::<E>())
    }

    /// Every earlier form that is read.
    pub(crate) fn paths(&self) -> Result<Vec<MigrationPath>, VersioningError> {
        self.graph().map(FormGraph::paths).map_err(Clone::clone)
    }

    fn chains(&self) -> Result<&Chains<E>, &VersioningError> {
        self.chains.get_or_init(|| self.versions.chains()).as_ref()
    }

    fn graph(&self) -> Result<&FormGraph, &VersioningError> {
        self.chains().map(|chains| &chains.graph)
    }

    /// The event, if the record is stored as today's type is; that pays for no more than this.
    #[inline]
    fn today(&self, record: &RecordedEvent) -> Option<Result<E, DecodeReason>> {
        self.chains().ok()?;
        let kind = kind_named::<E>(record.event_type.as_str())?;
        let is_today = kind.schema_version == record.schema_version;
        is_today.then(|| payload::decode_kind(&kind, record.encoding, &record.payload))
    }

    #[cold]
    fn read_earlier(&self, record: RecordedEvent) -> Result<Parts<Recorded<E>>> {
        let parts = self.earlier_events(&record)?.into_iter().enumerate();
        Ok(parts.map(|(part, event)| Recorded::new(event, record.clone(), part)).collect())
    }

    #[cold]
    fn earlier_events(&self, record: &RecordedEvent) -> Result<Parts<E>> {
        match self.chains() {
            Ok(chains) => upcast_record(chains, record),
            Err(error) => Err(DecodeReason::Versioning(error.clone())),
        }
        .map_err(|reason| undecoded(record, type_name::<E>(), reason))
    }
}

#[cold]
fn undecoded(record: &RecordedEvent, expected: &'static str, reason: DecodeReason) -> Error {
    Error::Decode(Box::new(DecodeError {
        stream: record.stream.clone(),
        version: record.version,
        position: record.position,
        event_type: record.event_type.clone(),
        schema_version: record.schema_version,
        encoding: record.encoding,
        expected,
        reason,
    }))
}

impl<E> fmt::Debug for EventReader<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReader").field("versions", &self.versions).finish()
    }
}
