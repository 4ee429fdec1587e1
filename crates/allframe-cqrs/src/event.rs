use eventstore_api::{InvalidInput, Tags};
use serde::{Serialize, de::DeserializeOwned};

use crate::{DecodeReason, EarlierPayload, UnknownEvent, VersionRegistry};

/// How a type of events is named in the store.
///
/// `#[event]` implements it. By hand, an empty `impl EventTypeName for MyEvent {}` will do: then all events of the type
/// are stored under one name, that of the Rust type, and their payload is the whole value as serde sees it.
///
/// A stored name outlives the name in the code. Whoever renames the type says so, here or with
/// `#[event(rename = "..")]`, and the stored events stay readable.
pub trait EventTypeName {
    /// The name of the type as a whole: the last part of its Rust path, unless overridden.
    fn event_type_name() -> &'static str {
        last_path_segment(std::any::type_name::<Self>())
    }

    /// The kinds of events of this type, each stored under its own name and with only its own content as payload.
    ///
    /// None, the provided answer, means one kind: the type as a whole.
    fn variants() -> &'static [EventVariant] {
        &[]
    }

    /// Which of [`Self::variants`] this event is: an index into it.
    fn variant_index(&self) -> usize {
        0
    }

    /// Reads an event of the kind at this place from its form in an earlier schema version, one from
    /// [`declared_since`](EventVariant::declared_since) on. `#[event(version = N)]` writes it, of what the fields say of themselves.
    ///
    /// # Errors
    ///
    /// [`DecodeReason`] where the payload has not that form.
    fn from_earlier(kind: usize, schema_version: u32, payload: EarlierPayload) -> Result<Self, DecodeReason>
    where
        Self: Sized,
    {
        let _ = (kind, schema_version, payload);
        Err(DecodeReason::UnknownVersion)
    }

    /// What else every store of this type knows of earlier events: `#[event(upcasters = path)]`.
    fn upcasters() -> VersionRegistry<Self>
    where
        Self: Sized,
    {
        VersionRegistry::new()
    }

    /// The event for what this program does not know; `None` for a type that has none. `#[event(unknown)]` on a variant.
    fn unknown(event: UnknownEvent) -> Option<Self>
    where
        Self: Sized,
    {
        let _ = event;
        None
    }

    /// What this program does not know, if that is what this event is.
    fn as_unknown(&self) -> Option<&UnknownEvent> {
        None
    }

    /// Whether the type has an event for what this program does not know.
    fn has_unknown() -> bool {
        false
    }

    /// The tags that this event is stored with; none, unless overridden or given with `#[tag]`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when a value makes no legal tag.
    fn tags(&self) -> Result<Tags, InvalidInput> {
        Ok(Tags::NONE)
    }
}

/// One kind of events of a type: a variant of an enum, or the type itself if it is a struct. `#[event]` makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventVariant {
    /// The name under which it is stored.
    pub name: &'static str,
    /// Names under which it was stored before, and is still found.
    pub aliases: &'static [&'static str],
    /// The version of its payload's schema that is written, from 1. Records of a greater one are not known to this program.
    pub schema_version: u32,
    /// The first version that [`EventTypeName::from_earlier`] reads; what is before that takes upcasters.
    pub declared_since: u32,
    /// Its place among those variants of the Rust enum that serde reads, from 0; `None` where the payload is not the
    /// content of a variant but the whole value as serde sees it: a struct, or an enum to which serde gives a form of its own.
    pub serde_index: Option<u32>,
}

impl EventVariant {
    /// A kind of this name, without aliases, of schema version 1, whose payload is the whole value.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, aliases: &[], schema_version: 1, declared_since: 1, serde_index: None }
    }

    /// The same kind, whose payload has this version of its schema, and is read by the type itself from that one on: where they
    /// are the same, from none before it.
    #[must_use]
    pub const fn with_schema_version(mut self, version: u32, declared_since: u32) -> Self {
        (self.schema_version, self.declared_since) = (version, declared_since);
        self
    }

    /// The same kind, found under these names too.
    #[must_use]
    pub const fn with_aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The same kind, whose payload is the content of the variant at this place.
    #[must_use]
    pub const fn with_serde_index(mut self, index: u32) -> Self {
        self.serde_index = Some(index);
        self
    }

    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// An event: a fact that has happened, and never changes.
///
/// The type must be `Clone + Send + Sync + Serialize + DeserializeOwned + 'static`.
///
/// ```
/// use allframe_cqrs::{event, Event, EventTypeName};
/// use serde::{Deserialize, Serialize};
///
/// #[event]
/// #[derive(Clone, Serialize, Deserialize)]
/// enum AccountEvent {
///     Opened { owner: String },
///     #[event(rename = "Deposited")]          // the name on disk, whatever the variant is called
///     MoneyDeposited { amount: u64 },
/// }
///
/// let names: Vec<_> = AccountEvent::variants().iter().map(|variant| variant.name).collect();
/// assert_eq!(names, ["Opened", "Deposited"]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no event",
    note = "write `#[event]` on it, and `#[derive(Clone, serde::Serialize, serde::Deserialize)]`"
)]
pub trait Event: EventBounds + EventTypeName {}

/// What [`Event`] demands of a type beside a name: in one trait, which `#[event]` can ask of a generic type.
#[doc(hidden)]
pub trait EventBounds: Clone + Send + Sync + Serialize + DeserializeOwned + 'static {}

impl<T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static> EventBounds for T {}

/// Which kind an event is. A type that names no variants is of one kind.
pub(crate) fn kind_of<E: EventTypeName>(event: &E) -> EventVariant {
    kind_at::<E>(event.variant_index())
}

/// The kind that is stored under a name, now or before.
pub(crate) fn kind_named<E: EventTypeName>(name: &str) -> Option<EventVariant> {
    match E::variants() {
        [] => Some(only_kind::<E>()).filter(|kind| kind.is_named(name)),
        variants => variants.iter().find(|variant| variant.is_named(name)).copied(),
    }
}

/// All kinds of a type.
pub(crate) fn kinds_of<E: EventTypeName>() -> Vec<EventVariant> {
    match E::variants() {
        [] => vec![only_kind::<E>()],
        variants => variants.to_vec(),
    }
}

/// The kind at a place.
pub(crate) fn kind_at<E: EventTypeName>(place: usize) -> EventVariant {
    E::variants().get(place).copied().unwrap_or_else(only_kind::<E>)
}

/// The names that a kind is stored under, now and before.
pub(crate) fn names_of(kind: &EventVariant) -> impl Iterator<Item = &'static str> + use<> {
    std::iter::once(kind.name).chain(kind.aliases.iter().copied())
}

fn only_kind<E: EventTypeName>() -> EventVariant {
    EventVariant::new(E::event_type_name())
}

/// The names that events of these kinds are stored under, now and before.
pub(crate) fn stored_names(kinds: &[EventVariant]) -> Vec<&'static str> {
    kinds.iter().flat_map(names_of).collect()
}

/// `Opened` of `bank::events::Opened`, and of `bank::events::Opened<core::Eur>`.
pub(crate) fn last_path_segment(type_name: &'static str) -> &'static str {
    let path = type_name.split('<').next().unwrap_or(type_name);
    path.rsplit("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::last_path_segment;

    #[test]
    fn a_type_is_named_by_the_last_segment_of_its_path() {
        assert_eq!(last_path_segment("bank::events::Opened"), "Opened");
        assert_eq!(last_path_segment("bank::Opened<alloc::vec::Vec<u8>>"), "Opened");
        assert_eq!(last_path_segment("Opened"), "Opened");
    }
}
