use std::any::{TypeId, type_name};

use crate::{
    Event,
    event::{EventVariant, kinds_of},
};

/// What today's type of the events says of itself, for code that is compiled once for all types.
pub(super) struct TodaysType {
    pub(super) id: TypeId,
    pub(super) name: &'static str,
    pub(super) kinds: Vec<EventVariant>,
    /// Whether it has an event for what this program does not know.
    pub(super) has_unknown: bool,
}

impl TodaysType {
    pub(super) fn of<E: Event>() -> Self {
        Self {
            id: TypeId::of::<E>(),
            name: type_name::<E>(),
            kinds: kinds_of::<E>(),
            has_unknown: E::has_unknown(),
        }
    }

    /// The kind that is stored under a name, now or before.
    pub(super) fn kind_named(&self, name: &str) -> Option<&EventVariant> {
        self.kinds.iter().find(|kind| kind.is_named(name))
    }
}
