use eventstore_api::{InvalidInput, Tags};
use serde::{Serialize, de::DeserializeOwned};

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

    /// The tags that this event is stored with; none, unless overridden or given with `#[tag]`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when a value makes no legal tag.
    fn tags(&self) -> Result<Tags, InvalidInput> {
        Ok(Tags::NONE)
    }
}

/// One kind of events of a type: a variant of an enum, or the type itself if it is a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventVariant {
    /// The name under which it is stored.
    pub name: &'static str,
    /// Names under which it was stored before, and is still found.
    pub aliases: &'static [&'static str],
    /// Its place among those variants of the Rust enum that serde reads, from 0; `None` where the payload is not the
    /// content of a variant but the whole value as serde sees it: a struct, or an enum to which serde gives a form of its own.
    pub serde_index: Option<u32>,
}

impl EventVariant {
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
pub trait Event: EventBounds + EventTypeName {}

/// What [`Event`] demands of a type beside a name: in one trait, which `#[event]` can ask of a generic type.
#[doc(hidden)]
pub trait EventBounds: Clone + Send + Sync + Serialize + DeserializeOwned + 'static {}

impl<T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static> EventBounds for T {}

/// The names that events of a type are stored under, now and before.
pub(crate) fn stored_names<E: EventTypeName>() -> Vec<&'static str> {
    match E::variants() {
        [] => vec![E::event_type_name()],
        variants => variants
            .iter()
            .flat_map(|variant| std::iter::once(variant.name).chain(variant.aliases.iter().copied()))
            .collect(),
    }
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
