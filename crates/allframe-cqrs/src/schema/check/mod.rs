mod judge;
mod problem;

use std::sync::Arc;

use eventstore_api::EventStoreBackend;
pub use judge::incompatible_releases;
pub(crate) use judge::judge_registered;
use judge::{Judge, ReadBy, Stored, none_of};
pub use problem::SchemaProblem;

use super::{
    CompatibilityMode, EventSchema, EventSchemas, IncompatibleSchemas, SchemaError, SchemaHistory,
    SchemaReport,
    registry::{Candidates, by_name},
    validation::Validators,
};
use crate::{
    Event, EventStore, PayloadCodec,
    event::{kind_named, kinds_of, names_of},
    versioning::{EventReader, ReadNow},
};

/// What a store is made with, so that the schemas of its events are checked and kept.
///
/// ```
/// use allframe_cqrs::schema::{CompatibilityMode, SchemaCheck};
///
/// let check = SchemaCheck::new(CompatibilityMode::FullTransitive).validate_on_append();
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct SchemaCheck {
    mode: CompatibilityMode,
    validation: Validation,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Validation {
    #[default]
    Off,
    OnAppend,
}

impl SchemaCheck {
    /// A check in this mode, for all names of which no other is
    /// [set in the registry](super::SchemaRegistry::set_compatibility).
    pub const fn new(mode: CompatibilityMode) -> Self {
        Self { mode, validation: Validation::Off }
    }

    /// The same check; and the store refuses to append a payload of JSON that does not fit the schema of its event, with
    /// [`Error::Schema`](crate::Error::Schema). It takes reading each payload once more.
    ///
    /// What a type writes fits its schema by itself, but for the rules that schemars' attributes add: `#[schemars(range(min = 1))]`.
    pub const fn validate_on_append(mut self) -> Self {
        self.validation = Validation::OnAppend;
        self
    }
}

impl<E: Event, B: EventStoreBackend> EventStore<E, B> {
    /// The same store, after its schemas were [checked](Self::check_schemas) and registered. Make it with its upcasters and its
    /// codec before: [`with_versions`](Self::with_versions).
    ///
    /// It costs nothing when events are read.
    ///
    /// # Errors
    ///
    /// As [`EventStore::check_schemas`].
    pub async fn with_schemas(mut self, check: SchemaCheck) -> Result<Self, SchemaError>
    where
        E: EventSchemas,
    {
        self.check_schemas(check).await?;
        if check.validation == Validation::OnAppend {
            self.validate_appends(Arc::new(Validators::of(&E::schemas())?));
        }
        Ok(self)
    }

    /// Compares the schemas of the events with those that are registered in the store, and registers what is new.
    ///
    /// Backward, whatever is stored must be read: by today's type as it is, by what its fields say of an earlier version, or by an
    /// upcaster. It is what is stored under the same version that people break most often, by a field that came without a new one.
    /// Forward, programs from before must read what is written today, and upcasters are of no help. Schemas that were registered
    /// after this program's own, by newer ones, are not its concern: what becomes of their events says
    /// [`UnknownEvents`](crate::UnknownEvents).
    ///
    /// ```
    /// use allframe_cqrs::{EventStore, InMemoryBackend, event, schema::SchemaCheck};
    /// use serde::{Deserialize, Serialize};
    ///
    /// /// As it was last year, in the program of then.
    /// #[event(schema, rename = "Deposited")]
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct LastYears { amount: u64 }
    ///
    /// /// A field has come, and the version has stayed.
    /// #[event(schema)]
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Deposited { amount: u64, currency: String }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let backend = InMemoryBackend::new();
    /// let store = EventStore::<LastYears, _>::with_backend(backend.clone());
    /// store.with_schemas(SchemaCheck::default()).await?;
    ///
    /// let today = EventStore::<Deposited, _>::with_backend(backend);
    /// let refused = today.with_schemas(SchemaCheck::default()).await.unwrap_err().to_string();
    /// assert!(refused.contains("`/currency` is required to read it, and was never written"));
    /// assert!(refused.contains("`#[added(version = 2, default = ..)]` on `currency`"));
    /// # Ok::<(), allframe_cqrs::schema::SchemaError>(()) }).unwrap();
    /// ```
    ///
    /// Dropping the future early leaves all registered that is new, or nothing.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Incompatible`] with all that does not fit, field by field; [`SchemaError::Versioning`] where the type does not
    /// read all of its versions; [`SchemaError::Store`].
    pub async fn check_schemas(&self, check: SchemaCheck) -> Result<SchemaReport, SchemaError>
    where
        E: EventSchemas,
    {
        let reader = self.reader();
        reader.check_versions()?;
        let derived = E::schemas();
        let by_name = by_name(derived.iter().cloned());
        // Under other names a kind was stored before; nothing is written there any more.
        let names = kinds_of::<E>().into_iter().flat_map(|kind| {
            names_of(&kind).map(move |name| (name.to_owned(), (name == kind.name).then_some(kind)))
        });
        let names: Vec<_> = names
            .map(|(name, kind)| {
                let written = kind.and_then(|kind| by_name.iter().find(|(known, _)| known == kind.name));
                (name, written.map(|(_, schemas)| schemas.clone()).unwrap_or_default())
            })
            .collect();
        let stored = match self.codec() {
            PayloadCodec::Json => Stored::Named,
            #[cfg(feature = "bincode")]
            PayloadCodec::Bincode => Stored::Ordered,
        };
        let judge = |candidates: &[Candidates]| {
            let histories = candidates.iter().map(|candidate| &candidate.history);
            judge_type(reader, &derived, histories, check.mode, stored)
        };
        self.schema_registry().agree(&names, check.mode, judge).await
    }
}

/// Whether these schemas of a type fit what there is of its names, payloads being JSON.
pub(super) fn judge_of_type<'a, E: Event>(
    reader: &EventReader<E>,
    derived: &[EventSchema],
    histories: impl Iterator<Item = &'a SchemaHistory>,
    mode: CompatibilityMode,
) -> Result<(), IncompatibleSchemas> {
    judge_type(reader, derived, histories, mode, Stored::Named)
}

fn judge_type<'a, E: Event>(
    reader: &EventReader<E>,
    derived: &[EventSchema],
    histories: impl Iterator<Item = &'a SchemaHistory>,
    mode: CompatibilityMode,
    stored: Stored,
) -> Result<(), IncompatibleSchemas> {
    let mut problems = Vec::new();
    for history in histories {
        let Some(kind) = kind_named::<E>(&history.event_type) else { continue };
        let at = |version| {
            let same_name = derived.iter().filter(|schema| schema.event_type == kind.name);
            same_name.into_iter().find(|schema| schema.schema_version == version)
        };
        let is_written = kind.name == history.event_type;
        let today = at(kind.schema_version).filter(|_| is_written);
        let mode = history.mode.unwrap_or(mode);
        problems.extend(Judge { history, today, mode, stored }.problems(|version| {
            match reader.reads_now(&history.event_type, version) {
                ReadNow::AsToday => at(kind.schema_version).map_or(ReadBy::Others, ReadBy::Today),
                ReadNow::AsDeclared => at(version).map_or(ReadBy::Others, ReadBy::History),
                ReadNow::Otherwise => ReadBy::Others,
            }
        }));
    }
    none_of(problems)
}
