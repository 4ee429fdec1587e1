use std::{
    any::type_name,
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::{
    EventForm, IntoUpcast, IntoUpcastJson, MigrationPath, Parts, UnknownEvents, UpcastContext, Upcaster,
    VersioningError, chains::Chains, step::Step,
};
use crate::Event;

/// How earlier events are read as today's type `E`, beyond what its fields say of themselves.
///
/// A stored event has a name and a schema version. An upcaster leads from one such form, or from all forms of an earlier Rust
/// type, to the next; a store [with](crate::EventStore::with_versions) the registry follows them until the event is one of
/// today's, wherever it reads. They chain by themselves, and are checked when the store is made: a gap, a fork or a cycle is an
/// error that names it.
///
/// What every store of a type is to know stands with the type: `#[event(upcasters = path)]`.
///
/// ```
/// use allframe_cqrs::{AutoUpcaster, EventStore, InMemoryBackend, VersionRegistry, event};
/// use serde::{Deserialize, Serialize};
///
/// #[event(rename = "UserCreated")]
/// #[derive(Clone, Serialize, Deserialize)]
/// struct UserCreatedV1 { name: String }
///
/// #[event(rename = "UserCreated", version = 2)]
/// #[derive(Clone, Serialize, Deserialize)]
/// struct UserCreatedV2 { name: String, email: String }
///
/// #[event(version = 3)]
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct UserCreated { name: String, email: Option<String> }
///
/// impl From<UserCreatedV1> for UserCreatedV2 {
///     fn from(v1: UserCreatedV1) -> Self { Self { name: v1.name, email: String::new() } }
/// }
/// impl From<UserCreatedV2> for UserCreated {
///     fn from(v2: UserCreatedV2) -> Self {
///         Self { name: v2.name, email: Some(v2.email).filter(|email| !email.is_empty()) }
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let backend = InMemoryBackend::new();
/// let years_ago = EventStore::with_backend(backend.clone());
/// years_ago.append("user-1", vec![UserCreatedV1 { name: "ann".into() }]).await?;
///
/// let versions = VersionRegistry::new()
///     .upcaster(AutoUpcaster::<UserCreatedV1, UserCreatedV2>::new())
///     .upcaster(AutoUpcaster::<UserCreatedV2, UserCreated>::new());
/// let store = EventStore::<UserCreated, _>::with_backend(backend).with_versions(versions)?;
/// assert_eq!(store.get_events("user-1").await?, [UserCreated { name: "ann".into(), email: None }]);
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
pub struct VersionRegistry<E> {
    /// Clones share it, as they do with AllFrame.
    rules: Arc<Mutex<Rules<E>>>,
}

/// What a registry was given.
pub(super) struct Rules<E> {
    pub(super) steps: Vec<Step<E>>,
    pub(super) untyped: UntypedRules,
}

/// The part of it that is the same for all types.
#[derive(Default)]
pub(super) struct UntypedRules {
    /// Names whose events are passed over, in every version.
    pub(super) retired: Vec<Cow<'static, str>>,
    pub(super) paths: Vec<MigrationPath>,
    pub(super) unknown: Option<UnknownEvents>,
}

impl<E> VersionRegistry<E> {
    /// A registry that knows nothing beyond what the type says of itself.
    #[must_use]
    pub fn new() -> Self {
        Self { rules: Arc::new(Mutex::new(Rules::none())) }
    }

    /// The same registry, with what becomes of events that it does not know; without this, to read one is an error.
    #[must_use]
    pub fn on_unknown(self, unknown: UnknownEvents) -> Self {
        self.rules().untyped.unknown = Some(unknown);
        self
    }

    /// The same registry, which passes over all events of this name: they mean nothing any more.
    #[must_use]
    pub fn retire(self, event_type: impl Into<Cow<'static, str>>) -> Self {
        self.rules().untyped.retired.push(event_type.into());
        self
    }

    /// The same registry, with a step from one form to another that knows no types: from JSON to JSON. It is for events that
    /// were stored as JSON; what was stored as bincode says nothing of its fields, and takes a type.
    ///
    /// The answer is one value, several (`Vec`), perhaps one (`Option`), or a `Result` of these.
    ///
    /// ```
    /// use allframe_cqrs::VersionRegistry;
    /// use serde_json::{Value, json};
    ///
    /// # #[allframe_cqrs::event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # enum AccountEvent { Opened { owner: String } }
    /// let versions = VersionRegistry::<AccountEvent>::new().upcast_json(
    ///     ("AccountCreated", 1),
    ///     ("Opened", 1),
    ///     |old: Value, _: &_| json!({ "owner": old["holder"] }),
    /// );
    /// ```
    #[must_use]
    pub fn upcast_json<O: IntoUpcastJson>(
        self,
        from: impl Into<EventForm>,
        to: impl Into<EventForm>,
        upcast: impl Fn(Value, &UpcastContext<'_>) -> O + Send + Sync + 'static,
    ) -> Self {
        let upcast = move |value, context: &UpcastContext<'_>| {
            let mut made = Parts::new();
            upcast(value, context).into_upcast_json(&mut |value| made.push(value))?;
            Ok(made)
        };
        self.with_step(Step::Json { from: from.into(), to: to.into(), upcast: Arc::new(upcast) })
    }

    pub(super) fn with_step(self, step: Step<E>) -> Self {
        self.rules().steps.push(step);
        self
    }

    pub(super) fn rules(&self) -> MutexGuard<'_, Rules<E>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Event> VersionRegistry<E> {
    /// The same registry, with this step between two types.
    #[must_use]
    pub fn upcaster<From: Event, To: Event>(self, upcaster: impl Upcaster<From, To> + 'static) -> Self {
        self.upcast(move |from: From, _: &UpcastContext<'_>| upcaster.upcast(from))
    }

    /// The same registry, with a step between two types that is a function: it sees what the store keeps beside the event, may
    /// answer several events or none, and may fail.
    ///
    /// ```
    /// use allframe_cqrs::{UpcastContext, VersionRegistry, event};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[event]
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Transferred { to: String, amount: u64 }
    ///
    /// #[event]
    /// #[derive(Clone, Serialize, Deserialize)]
    /// enum AccountEvent { Withdrawn { amount: u64 }, Sent { to: String } }
    ///
    /// let versions = VersionRegistry::<AccountEvent>::new().upcast(|old: Transferred, context: &UpcastContext<'_>| {
    ///     if old.amount == 0 {
    ///         return Err(format!("{} moved nothing", context.stream()));
    ///     }
    ///     Ok(vec![AccountEvent::Withdrawn { amount: old.amount }, AccountEvent::Sent { to: old.to }])
    /// });
    /// assert!(versions.check().is_ok());
    /// ```
    #[must_use]
    pub fn upcast<From: Event, U: IntoUpcast>(
        self,
        upcast: impl Fn(From, &UpcastContext<'_>) -> U + Send + Sync + 'static,
    ) -> Self {
        self.with_step(Step::typed(upcast))
    }

    /// Whether every earlier form comes to one of today's in exactly one way, with what the type says of itself.
    ///
    /// # Errors
    ///
    /// [`VersioningError`] with everything that is wrong.
    pub fn check(&self) -> Result<(), VersioningError> {
        self.chains().map(drop)
    }

    /// Every earlier form that is read, with the version of today's that it comes to in the end.
    ///
    /// # Errors
    ///
    /// As [`VersionRegistry::check`].
    pub fn migration_paths(&self) -> Result<Vec<MigrationPath>, VersioningError> {
        Ok(self.chains()?.graph.paths())
    }

    pub(super) fn chains(&self) -> Result<Chains<E>, VersioningError> {
        let mut rules = Rules::<E>::none();
        rules.add(&E::upcasters().rules());
        rules.add(&self.rules());
        Chains::of(rules)
    }
}

impl<E> Rules<E> {
    fn none() -> Self {
        Self { steps: Vec::new(), untyped: UntypedRules::default() }
    }

    /// These too; where both say something of unknown events, these do.
    fn add(&mut self, more: &Self) {
        self.steps.extend_from_slice(&more.steps);
        self.untyped.add(&more.untyped);
    }
}

impl UntypedRules {
    fn add(&mut self, more: &Self) {
        self.retired.extend_from_slice(&more.retired);
        self.paths.extend_from_slice(&more.paths);
        self.unknown = more.unknown.or(self.unknown);
    }
}

impl<E> Clone for VersionRegistry<E> {
    fn clone(&self) -> Self {
        Self { rules: Arc::clone(&self.rules) }
    }
}

impl<E> Default for VersionRegistry<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for VersionRegistry<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.rules();
        f.debug_struct("VersionRegistry")
            .field("of", &type_name::<E>())
            .field("steps", &rules.steps.iter().map(|step| step.ends().name()).collect::<Vec<_>>())
            .field("retired", &rules.untyped.retired)
            .field("unknown", &rules.untyped.unknown)
            .finish()
    }
}
