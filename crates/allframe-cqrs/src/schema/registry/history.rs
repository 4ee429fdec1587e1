use eventstore_api::{Timestamp, Version};

use crate::schema::{CompatibilityMode, EventSchema};

/// All schemas that were registered of one stored name, from old to new.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SchemaHistory {
    /// The name under which the events are stored.
    pub event_type: String,
    /// The mode that was set for the name; `None` where the programs decide.
    pub mode: Option<CompatibilityMode>,
    /// The schemas, in the order in which they were registered.
    pub schemas: Vec<RegisteredSchema>,
    /// The end of its stream.
    pub(super) end: Version,
}

/// A schema as it stands in the registry.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RegisteredSchema {
    /// The schema.
    pub schema: EventSchema,
    /// How many there were of its version, with this one: a schema may change in ways that break nothing without a new version.
    pub revision: usize,
    /// The mode under which it was registered.
    pub mode: CompatibilityMode,
    /// When it was, by the clock of the store.
    pub registered_at: Timestamp,
}

/// Whether payloads of a schema are still written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IsWritten {
    Today,
    Earlier,
}

impl IsWritten {
    /// Of these schemas of one name, those of the highest version are.
    pub(crate) fn among(schemas: &[EventSchema], schema: &EventSchema) -> Self {
        let same_name = schemas.iter().filter(|other| other.event_type == schema.event_type);
        match same_name.map(|other| other.schema_version).max() == Some(schema.schema_version) {
            true => Self::Today,
            false => Self::Earlier,
        }
    }
}

impl SchemaHistory {
    pub(super) fn none(event_type: &str) -> Self {
        Self { event_type: event_type.to_owned(), mode: None, schemas: Vec::new(), end: Version::new(0) }
    }

    /// Schemas that were released, in the order of their versions, wherever they are kept.
    pub(crate) fn released(event_type: &str, schemas: Vec<EventSchema>) -> Self {
        let mut history = Self::none(event_type);
        schemas.into_iter().for_each(|schema| history.release(schema));
        history
    }

    /// Adds a schema that is not in the store, unless it is there already.
    pub(crate) fn release(&mut self, schema: EventSchema) {
        if self.place_of(&schema).is_none() {
            let revision = self.of_version(schema.schema_version).count().saturating_add(1);
            let (mode, registered_at) = (CompatibilityMode::default(), Timestamp::from_micros(0));
            self.schemas.push(RegisteredSchema { schema, revision, mode, registered_at });
        }
    }

    /// Whether a schema is there, as far as it has to be: one that is not written any more is there as it was when it was.
    pub(crate) fn shows(&self, schema: &EventSchema, is_written: IsWritten) -> bool {
        match is_written {
            IsWritten::Today => self.place_of(schema).is_some(),
            IsWritten::Earlier => self.fetch(schema.schema_version).is_some(),
        }
    }

    /// The schemas of a version, from old to new.
    pub fn of_version(&self, schema_version: u32) -> impl DoubleEndedIterator<Item = &RegisteredSchema> {
        self.schemas.iter().filter(move |registered| registered.schema.schema_version == schema_version)
    }

    /// The last schema of a version.
    #[must_use]
    pub fn fetch(&self, schema_version: u32) -> Option<&RegisteredSchema> {
        self.of_version(schema_version).next_back()
    }

    /// The last schema of the highest version.
    #[must_use]
    pub fn latest(&self) -> Option<&RegisteredSchema> {
        // Of several that are equal, it is the last.
        self.schemas.iter().max_by_key(|registered| registered.schema.schema_version)
    }

    /// The versions, each once, in their order.
    #[must_use]
    pub fn versions(&self) -> Vec<u32> {
        let mut versions: Vec<_> = self.schemas.iter().map(|it| it.schema.schema_version).collect();
        versions.sort_unstable();
        versions.dedup();
        versions
    }

    /// Where this very schema stands.
    pub(crate) fn place_of(&self, schema: &EventSchema) -> Option<usize> {
        self.schemas.iter().position(|registered| {
            registered.schema.schema_version == schema.schema_version
                && registered.schema.fingerprint == schema.fingerprint
        })
    }
}
