mod agree;
mod history;
mod stored;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

pub(crate) use agree::Candidates;
pub use agree::SchemaReport;
use eventstore_api::{EventFilter, EventStoreBackend, ReadAll, RecordedEvent};
pub(crate) use history::IsWritten;
pub use history::{RegisteredSchema, SchemaHistory};
use serde_json::Value;

use super::{
    CompatibilityMode, Difference, EventSchema, InvalidPayload, SchemaError, check::judge_registered,
    differences, validation::Validator,
};
use crate::EventStore;

/// The schemas of all events that were ever stored, kept in the event store itself.
///
/// Each stored name has a stream of its own, `$schema-<name>`, with one event for each version and for each change of a version's
/// schema. They go wherever the events go, and processes that start at once agree, by the guards of the store. Readers of
/// events never meet them, since they read by the names of their types.
///
/// [`EventStore::with_schemas`] keeps it. What is asked of it reads the store each time: it is for tools and for start-up.
///
/// ```
/// use allframe_cqrs::{EventStore, event, schema::{CompatibilityMode, EventSchemas, SchemaCheck}};
/// use serde::{Deserialize, Serialize};
///
/// #[event(schema)]
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Deposited { amount: u64 }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::<Deposited>::new().with_schemas(SchemaCheck::default()).await?;
/// let registry = store.schema_registry();
///
/// let latest = registry.latest("Deposited").await?.unwrap();
/// assert_eq!(latest.schema.schema_version, 1);
/// assert_eq!(latest.schema.fingerprint, Deposited::schemas()[0].fingerprint);
///
/// registry.set_compatibility("Deposited", CompatibilityMode::FullTransitive).await?;
/// assert_eq!(registry.list().await?[0].mode, Some(CompatibilityMode::FullTransitive));
/// # Ok::<(), allframe_cqrs::schema::SchemaError>(()) }).unwrap();
/// ```
pub struct SchemaRegistry<B> {
    backend: Arc<B>,
}

impl<B: EventStoreBackend> SchemaRegistry<B> {
    /// The registry in this store.
    #[must_use]
    pub fn new(backend: B) -> Self {
        Self { backend: Arc::new(backend) }
    }

    /// All names of which schemas are registered, with them, in the order of the names. Schemas that cannot be read hide the others: who
    /// wants those asks for the [`names`](Self::names), and for the [`history`](Self::history) of each.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Store`], [`SchemaError::Unreadable`].
    pub async fn list(&self) -> Result<Vec<SchemaHistory>, SchemaError> {
        let mut records: BTreeMap<String, Vec<RecordedEvent>> = BTreeMap::new();
        self.each_record(|name, record| records.entry(name).or_default().push(record)).await?;
        records.iter().map(|(name, records)| stored::history_of(name, records)).collect()
    }

    /// The names of which something is registered, in their order, also where it cannot be read. Reads all that the registry keeps, a page
    /// at a time, and holds the names alone. It changes nothing: it may be dropped at any time.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Store`] with what the store answered.
    pub async fn names(&self) -> Result<Vec<String>, SchemaError> {
        let mut names = BTreeSet::new();
        self.each_record(|name, _| {
            names.insert(name);
        })
        .await?;
        Ok(names.into_iter().collect())
    }

    /// Goes through all that the registry keeps, with the name that each is about.
    async fn each_record(&self, mut take: impl FnMut(String, RecordedEvent)) -> Result<(), SchemaError> {
        let mut query = ReadAll::forward().filter(EventFilter::stream_prefix(stored::PREFIX));
        loop {
            let page = self.backend.read_all(&query).await?;
            let (next, end_reached) = (query.next_page(&page), page.end_reached);
            for record in page.events {
                if let Some(name) = record.stream.as_str().strip_prefix(stored::PREFIX) {
                    take(name.to_owned(), record);
                }
            }
            if end_reached {
                return Ok(());
            }
            query = next;
        }
    }

    /// All schemas of a name; none where none were registered.
    ///
    /// # Errors
    ///
    /// As [`SchemaRegistry::list`].
    pub async fn history(&self, event_type: &str) -> Result<SchemaHistory, SchemaError> {
        let records = self.backend.get_events(&stored::stream_of(event_type)?).await?;
        stored::history_of(event_type, &records)
    }

    /// The schema of a name and version: the last, where it has changed.
    ///
    /// # Errors
    ///
    /// As [`SchemaRegistry::list`].
    pub async fn fetch(
        &self,
        event_type: &str,
        schema_version: u32,
    ) -> Result<Option<RegisteredSchema>, SchemaError> {
        Ok(self.history(event_type).await?.fetch(schema_version).cloned())
    }

    /// The schema of the highest version of a name.
    ///
    /// # Errors
    ///
    /// As [`SchemaRegistry::list`].
    pub async fn latest(&self, event_type: &str) -> Result<Option<RegisteredSchema>, SchemaError> {
        Ok(self.history(event_type).await?.latest().cloned())
    }

    /// What has changed in what is written, from one version of a name to another.
    ///
    /// # Errors
    ///
    /// [`SchemaError::NotRegistered`], and as [`SchemaRegistry::list`].
    pub async fn diff(&self, event_type: &str, from: u32, to: u32) -> Result<Vec<Difference>, SchemaError> {
        let history = self.history(event_type).await?;
        let of = |version| history.fetch(version).ok_or_else(|| not_registered(event_type, version));
        Ok(differences(&of(from)?.schema.schema, &of(to)?.schema.schema))
    }

    /// The mode that counts for a name: the one that was [set](Self::set_compatibility), or else that of the program which
    /// registered its latest schema. `None` where there is neither.
    ///
    /// # Errors
    ///
    /// As [`SchemaRegistry::list`].
    pub async fn compatibility(&self, event_type: &str) -> Result<Option<CompatibilityMode>, SchemaError> {
        let history = self.history(event_type).await?;
        Ok(history.mode.or_else(|| history.latest().map(|latest| latest.mode)))
    }

    /// Sets the mode of a name. From then on it counts, whatever mode a program comes with.
    ///
    /// # Errors
    ///
    /// As [`SchemaRegistry::list`].
    pub async fn set_compatibility(
        &self,
        event_type: &str,
        mode: CompatibilityMode,
    ) -> Result<(), SchemaError> {
        if self.history(event_type).await?.mode == Some(mode) {
            return Ok(());
        }
        let batch = eventstore_api::AppendBatch::single(
            stored::stream_of(event_type)?,
            eventstore_api::ExpectedVersion::Any,
            vec![stored::mode_set(mode)?],
        );
        self.backend.append_all(batch).await?;
        Ok(())
    }

    /// Registers schemas of any number of names, all or none of those that are new, where they are compatible with what there is.
    /// They are taken in the order of their versions, and each has to fit those before it; the highest is today's.
    ///
    /// Nothing is known here of upcasters: every version that counts has to be readable as it is. A program that has them
    /// registers with [`EventStore::with_schemas`]. What is there already is not registered again.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Incompatible`], and as [`SchemaRegistry::list`].
    pub async fn register(
        &self,
        schemas: impl IntoIterator<Item = EventSchema>,
        mode: CompatibilityMode,
    ) -> Result<SchemaReport, SchemaError> {
        let names = by_name(schemas);
        self.agree(&names, mode, |candidates| judge_registered(candidates, mode)).await
    }

    /// Checks a payload against what is written under a name in a version.
    ///
    /// # Errors
    ///
    /// [`SchemaError::InvalidPayload`] with every field that fails; [`SchemaError::NotRegistered`], and as
    /// [`SchemaRegistry::list`].
    pub async fn validate(
        &self,
        event_type: &str,
        schema_version: u32,
        payload: &Value,
    ) -> Result<(), SchemaError> {
        let found = self.fetch(event_type, schema_version).await?;
        let found = found.ok_or_else(|| not_registered(event_type, schema_version))?;
        let invalid = |fields| InvalidPayload { event_type: event_type.to_owned(), schema_version, fields };
        match Validator::of(&found.schema)?.check(payload) {
            Ok(()) => Ok(()),
            Err(fields) => Err(SchemaError::InvalidPayload(invalid(fields))),
        }
    }
}

impl<E, B: EventStoreBackend> EventStore<E, B> {
    /// The registry of schemas in this store.
    #[must_use]
    pub fn schema_registry(&self) -> SchemaRegistry<B> {
        SchemaRegistry { backend: self.shared_backend() }
    }
}

/// The schemas of each name together, versions in their order.
pub(crate) fn by_name(schemas: impl IntoIterator<Item = EventSchema>) -> Vec<(String, Vec<EventSchema>)> {
    let mut names: Vec<(String, Vec<EventSchema>)> = Vec::new();
    for schema in schemas {
        match names.iter_mut().find(|(name, _)| *name == schema.event_type) {
            Some((_, schemas)) => schemas.push(schema),
            None => names.push((schema.event_type.clone().into_owned(), vec![schema])),
        }
    }
    for (_, schemas) in &mut names {
        schemas.sort_by_key(|schema| schema.schema_version);
    }
    names
}

fn not_registered(event_type: &str, schema_version: u32) -> SchemaError {
    SchemaError::NotRegistered { event_type: event_type.to_owned(), schema_version }
}

// By hand: a handle to a registry can be cloned whether or not its backend can.
impl<B> Clone for SchemaRegistry<B> {
    fn clone(&self) -> Self {
        Self { backend: Arc::clone(&self.backend) }
    }
}

impl<B: fmt::Debug> fmt::Debug for SchemaRegistry<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SchemaRegistry").field("backend", &self.backend).finish()
    }
}
