use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use eventstore_api::{Criterion, EventFilter, EventType, RecordedEvent};

use super::{
    EarlierPayload, MigrationPath, Parts, UnknownEvent, UnknownEvents, UpcastContext, UpcastError,
    VersionRegistry, VersioningError,
    chains::{Chains, Node},
    step::{AnyEvent, Carried, FormedJson, Step, read_kind},
};
use crate::{
    Error, Event, Recorded, Result,
    error::{DecodeError, DecodeReason},
    event::{EventVariant, kind_named, kinds_of, stored_names},
    panicked::guarded,
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
        let node = self.chains().ok().and_then(|chains| chains.node(event_type, schema_version));
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
            Some(Err(reason)) => Err(undecoded::<E>(&record, reason)),
            None => self.read_earlier(record),
        }
    }

    /// The events that a record reads as: one, unless an upcaster makes more of it, or none.
    pub(crate) fn events(&self, record: &RecordedEvent) -> Result<Parts<E>> {
        match self.today(record) {
            Some(Ok(event)) => Ok(Parts::One(event)),
            Some(Err(reason)) => Err(undecoded::<E>(record, reason)),
            None => self.earlier_events(record),
        }
    }

    /// Whether a record is stored under a name of the type, today's or an earlier one.
    pub(crate) fn is_of_type(&self, record: &RecordedEvent) -> bool {
        match self.chains() {
            Ok(chains) => chains.stored_names.contains(&record.event_type),
            // Reading it says what is wrong.
            Err(_) => stored_names::<E>().contains(&record.event_type.as_str()),
        }
    }

    /// Whether a record has a form that is known, so that it does not come down to what is done about unknown ones.
    pub(crate) fn is_known(&self, record: &RecordedEvent) -> bool {
        let is_today = |kind: EventVariant| kind.schema_version == record.schema_version;
        let node = |chains: &Chains<E>| chains.node(record.event_type.as_str(), record.schema_version);
        kind_named::<E>(record.event_type.as_str()).is_some_and(is_today)
            || self.chains().is_ok_and(|chains| node(chains).is_some())
    }

    /// The same filter, for events of type `E` alone: the backend may hold others.
    pub(crate) fn filter(&self, filter: &EventFilter) -> EventFilter {
        let types = match self.chains() {
            Ok(chains) => chains.stored_names.clone(),
            // The first event says what is wrong.
            Err(_) => stored_names::<E>().into_iter().filter_map(|name| EventType::new(name).ok()).collect(),
        };
        match filter.criteria() {
            None => EventFilter::types(types),
            Some(criteria) => {
                EventFilter::any_of(criteria.iter().map(|criterion| typed_criterion::<E>(criterion, &types)))
            }
        }
    }

    /// The same filter, of events of any type, as [`Self::filter`] understands names.
    pub(crate) fn filter_with_aliases(filter: &EventFilter) -> EventFilter {
        match filter.criteria() {
            None => EventFilter::all(),
            Some(criteria) => EventFilter::any_of(criteria.iter().map(with_aliases::<E>)),
        }
    }

    /// Every earlier form that is read.
    pub(crate) fn paths(&self) -> Result<Vec<MigrationPath>, VersioningError> {
        self.chains().map(Chains::paths).map_err(Clone::clone)
    }

    fn chains(&self) -> Result<&Chains<E>, &VersioningError> {
        self.chains.get_or_init(|| self.versions.chains()).as_ref()
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
            Ok(chains) => earlier(chains, record),
            Err(error) => Err(DecodeReason::Versioning(error.clone())),
        }
        .map_err(|reason| undecoded::<E>(record, reason))
    }
}

#[cold]
fn undecoded<E>(record: &RecordedEvent, reason: DecodeReason) -> Error {
    Error::Decode(Box::new(DecodeError {
        stream: record.stream.clone(),
        version: record.version,
        position: record.position,
        event_type: record.event_type.clone(),
        schema_version: record.schema_version,
        encoding: record.encoding,
        expected: std::any::type_name::<E>(),
        reason,
    }))
}

impl<E> fmt::Debug for EventReader<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReader").field("versions", &self.versions).finish()
    }
}

/// The same criterion, for these types alone; no event meets it where it asks for others only.
fn typed_criterion<E: Event>(criterion: &Criterion, types: &[EventType]) -> Criterion {
    let criterion = with_aliases::<E>(criterion);
    let wanted = |event_type: &&EventType| {
        criterion.event_types.as_ref().is_none_or(|asked_for| asked_for.contains(*event_type))
    };
    let wanted: Vec<_> = types.iter().filter(wanted).cloned().collect();
    criterion.types(wanted)
}

/// The same criterion, where who asks for a kind by its name of today is given what was stored under its aliases too.
fn with_aliases<E: Event>(criterion: &Criterion) -> Criterion {
    let mut criterion = criterion.clone();
    let Some(asked_for) = &mut criterion.event_types else { return criterion };
    for kind in kinds_of::<E>() {
        if asked_for.iter().any(|name| name.as_str() == kind.name) {
            // A name that is no legal event type cannot have been stored.
            asked_for.extend(kind.aliases.iter().filter_map(|alias| EventType::new(*alias).ok()));
        }
    }
    criterion
}

fn earlier<E: Event>(chains: &Chains<E>, record: &RecordedEvent) -> Result<Parts<E>, DecodeReason> {
    let mut events = Parts::new();
    match chains.node(record.event_type.as_str(), record.schema_version) {
        Some(node) => {
            let payload = EarlierPayload::stored(record.encoding, record.payload.clone());
            Ascent { chains, context: UpcastContext::new(record), events: &mut events }.read(
                node,
                record.schema_version,
                payload,
            )?;
        }
        None => match (chains.unknown, kind_named::<E>(record.event_type.as_str())) {
            // It is of no newer program, so that nobody has said that it may be passed over.
            (_, Some(kind)) if record.schema_version < kind.schema_version => {
                return Err(DecodeReason::UnknownVersion);
            }
            (UnknownEvents::Fail, Some(kind)) => {
                return Err(DecodeReason::NewerSchema { known: kind.schema_version });
            }
            (UnknownEvents::Fail, None) => {
                return Err(DecodeReason::UnknownEventType { known: stored_names::<E>() });
            }
            (UnknownEvents::Skip, _) => {}
            (UnknownEvents::PassThrough, _) => events.extend(E::unknown(UnknownEvent::of(record))),
        },
    }
    Ok(events)
}

/// An event on its way up, and what it has become so far.
struct Ascent<'a, E> {
    chains: &'a Chains<E>,
    context: UpcastContext<'a>,
    events: &'a mut Parts<E>,
}

impl<E: Event> Ascent<'_, E> {
    fn read(&mut self, node: Node, schema_version: u32, payload: EarlierPayload) -> Result<(), DecodeReason> {
        match node {
            Node::Today(kind) | Node::Declared(kind) => {
                self.events.push(guarded_read(|| read_kind(kind, schema_version, payload))?);
                Ok(())
            }
            Node::Retired => Ok(()),
            Node::Typed(step, kind) => match self.chains.steps.get(step) {
                Some(Step::Typed { from, .. }) => {
                    let event = guarded_read(|| (from.read)(kind, schema_version, payload))?;
                    self.go_on(Carried::Typed(event))
                }
                _ => Ok(()),
            },
            Node::Json(place) => match self.chains.steps.get(place) {
                Some(Step::Json { from, to, upcast }) => {
                    let value = payload.into_json()?;
                    let values = upcast_by(|| upcast(value, &self.context), || from.to_string())?;
                    values.into_iter().try_for_each(|value| self.go_on(Carried::Json(to.clone(), value)))
                }
                _ => Ok(()),
            },
        }
    }

    fn go_on(&mut self, carried: Carried<E>) -> Result<(), DecodeReason> {
        match carried {
            Carried::Now(event) => {
                self.events.push(event);
                Ok(())
            }
            Carried::Typed(event) => self.typed(event),
            Carried::Json(form, value) => {
                let node = self.chains.node(&form.event_type, form.schema_version);
                let node =
                    node.ok_or_else(|| DecodeReason::UnknownEventType { known: stored_names::<E>() })?;
                self.read(node, form.schema_version, EarlierPayload::json(value))
            }
        }
    }

    fn typed(&mut self, event: AnyEvent) -> Result<(), DecodeReason> {
        let id = (*event).type_id();
        match self.chains.step_of_type(id) {
            Some(Step::Typed { from, upcast, .. }) => {
                let made = upcast_by(|| upcast(event, &self.context), || from.name.to_owned())?;
                made.into_iter().try_for_each(|carried| self.go_on(carried))
            }
            _ => {
                // Those who go on from here know no types.
                let last = self.chains.last_type(id).ok_or(DecodeReason::NotJson)?;
                let (form, value): FormedJson = (last.to_json)(&*event)?;
                self.go_on(Carried::Json(form, value))
            }
        }
    }
}

/// What an upcaster makes; a panic of it is an error like any other.
fn upcast_by<T>(
    upcast: impl FnOnce() -> Result<T, UpcastError>,
    from: impl FnOnce() -> String,
) -> Result<T, DecodeReason> {
    let made = guarded(upcast).unwrap_or_else(|panicked| Err(panicked.into()));
    made.map_err(|source| DecodeReason::Upcast { from: from(), source: Arc::from(source) })
}

/// The same for what reads an earlier form: fields are converted there.
fn guarded_read<T>(read: impl FnOnce() -> Result<T, DecodeReason>) -> Result<T, DecodeReason> {
    guarded(read).unwrap_or_else(|panicked| Err(DecodeReason::Payload(Arc::new(panicked))))
}
