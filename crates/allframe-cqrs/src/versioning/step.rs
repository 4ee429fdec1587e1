//! One step of the way from an earlier form of an event to that of today.

use std::{
    any::{Any, TypeId, type_name},
    borrow::Cow,
    fmt,
    sync::Arc,
};

use serde_json::Value;

use super::{EarlierPayload, IntoUpcast, Parts, UpcastContext, UpcastError};
use crate::{
    Event,
    error::DecodeReason,
    event::{EventVariant, kind_at, kind_of, kinds_of},
    payload,
};

/// A name under which events are stored, and a version of their schema: `("Deposited", 2)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventForm {
    pub(super) event_type: Cow<'static, str>,
    pub(super) schema_version: u32,
}

impl<N: Into<Cow<'static, str>>> From<(N, u32)> for EventForm {
    fn from((event_type, schema_version): (N, u32)) -> Self {
        Self { event_type: event_type.into(), schema_version }
    }
}

impl fmt::Display for EventForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` version {}", self.event_type, self.schema_version)
    }
}

/// An event on its way.
pub(super) enum Carried<E> {
    /// It is there.
    Now(E),
    /// A value of an earlier type.
    Typed(AnyEvent),
    Json(EventForm, Value),
}

pub(super) type AnyEvent = Box<dyn Any + Send>;

/// A step, and what it leads from.
pub(super) enum Step<E> {
    Typed { from: EarlierType, to: EarlierType, upcast: Arc<TypedUpcast<E>> },
    Json { from: EventForm, to: EventForm, upcast: Arc<JsonUpcast> },
}

pub(super) type TypedUpcast<E> =
    dyn Fn(AnyEvent, &UpcastContext<'_>) -> Result<Parts<Carried<E>>, UpcastError> + Send + Sync;
pub(super) type JsonUpcast =
    dyn Fn(Value, &UpcastContext<'_>) -> Result<Parts<Value>, UpcastError> + Send + Sync;

impl<E: Event> Step<E> {
    pub(super) fn typed<F: Event, U: IntoUpcast>(
        upcast: impl Fn(F, &UpcastContext<'_>) -> U + Send + Sync + 'static,
    ) -> Self {
        let upcast = move |event: AnyEvent, context: &UpcastContext<'_>| {
            let event = event.downcast::<F>().map_err(|_| "it is of another type")?;
            let mut made = Parts::new();
            upcast(*event, context).into_upcast(&mut |event| made.extend(carried(event)))?;
            Ok(made)
        };
        Self::Typed {
            from: EarlierType::of::<F>(),
            to: EarlierType::of::<U::Event>(),
            upcast: Arc::new(upcast),
        }
    }
}

/// An event of today's type, or one of an earlier type that goes further.
fn carried<E: Event, T: Event>(event: T) -> Option<Carried<E>> {
    let mut event = Some(event);
    // Without a box for what is there.
    match (&mut event as &mut dyn Any).downcast_mut::<Option<E>>() {
        Some(now) => now.take().map(Carried::Now),
        None => event.map(|event| Carried::Typed(Box::new(event))),
    }
}

impl<E> Step<E> {
    /// What it leads from and to.
    pub(super) fn ends(&self) -> StepEnds {
        match self {
            Self::Typed { from, to, .. } => StepEnds::Typed { from: *from, to: *to },
            Self::Json { from, to, .. } => StepEnds::Json { from: from.clone(), to: to.clone() },
        }
    }
}

impl<E> Clone for Step<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Typed { from, to, upcast } => {
                Self::Typed { from: *from, to: *to, upcast: Arc::clone(upcast) }
            }
            Self::Json { from, to, upcast } => {
                Self::Json { from: from.clone(), to: to.clone(), upcast: Arc::clone(upcast) }
            }
        }
    }
}

/// What a step leads from and to, whatever it does on the way.
#[derive(Clone)]
pub(super) enum StepEnds {
    Typed { from: EarlierType, to: EarlierType },
    Json { from: EventForm, to: EventForm },
}

impl StepEnds {
    /// Where it begins.
    pub(super) fn begin(&self) -> String {
        match self {
            Self::Typed { from, .. } => format!("`{}`", from.name),
            Self::Json { from, .. } => from.to_string(),
        }
    }

    /// What the step is called in errors.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Typed { from, to } => format!("the upcaster from `{}` to `{}`", from.name, to.name),
            Self::Json { from, to } => format!("the upcaster of JSON from {from} to {to}"),
        }
    }
}

/// JSON, and the form that it has.
pub(super) type FormedJson = (EventForm, Value);

/// A type of events that was today's once.
#[derive(Clone, Copy)]
pub(super) struct EarlierType {
    pub(super) id: TypeId,
    pub(super) name: &'static str,
    pub(super) kinds: fn() -> Vec<EventVariant>,
    /// Reads the kind at this place, in a schema version that the type itself reads.
    pub(super) read: fn(usize, u32, EarlierPayload) -> Result<AnyEvent, DecodeReason>,
    /// Writes it as JSON, for those steps that know no types.
    pub(super) to_json: fn(&dyn Any) -> Result<FormedJson, DecodeReason>,
}

impl EarlierType {
    pub(super) fn of<F: Event>() -> Self {
        Self {
            id: TypeId::of::<F>(),
            name: type_name::<F>(),
            kinds: kinds_of::<F>,
            read: |kind, version, payload| {
                let event: F = read_kind(kind, version, payload)?;
                Ok(Box::new(event))
            },
            to_json: |event| {
                let event = event.downcast_ref::<F>().ok_or(DecodeReason::NotJson)?;
                let kind = kind_of(event);
                let value = payload::encode_value(event)?;
                Ok((EventForm::from((kind.name, kind.schema_version)), value))
            },
        }
    }
}

/// Reads the kind at this place in any version that the type itself reads.
pub(super) fn read_kind<F: Event>(
    kind: usize,
    version: u32,
    payload: EarlierPayload,
) -> Result<F, DecodeReason> {
    let today = kind_at::<F>(kind);
    match today.schema_version == version {
        true => payload.read_as(&today),
        false => F::from_earlier(kind, version, payload),
    }
}
