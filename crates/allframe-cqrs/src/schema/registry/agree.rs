//! How programs that start at once agree on what is registered.

use eventstore_api::{AppendBatch, EventStoreBackend, ExpectedVersion, StoreError, Version};

use super::{
    IsWritten, SchemaHistory, SchemaRegistry,
    stored::{registered, stream_of},
};
use crate::schema::{CompatibilityMode, EventSchema, IncompatibleSchemas, SchemaError};

/// So often somebody else may be faster.
const MAX_ATTEMPTS: u32 = 32;

/// What became of schemas that were to be registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaReport {
    /// What is new: the names and versions.
    pub registered: Vec<(String, u32)>,
    /// How many were known.
    pub known: usize,
}

/// What is to be registered of a name, and what there is.
pub(crate) struct Candidates {
    pub(crate) history: SchemaHistory,
    /// Today's last.
    pub(crate) schemas: Vec<EventSchema>,
}

impl Candidates {
    /// Those that are not there and should be.
    fn missing(&self) -> impl Iterator<Item = &EventSchema> {
        let today = self.schemas.iter().map(|schema| schema.schema_version).max().unwrap_or_default();
        let highest = self.history.versions().last().copied().unwrap_or_default();
        // A program that is older than what is there has nothing to add.
        let is_older = today < highest;
        self.schemas.iter().filter(move |schema| {
            !is_older && !self.history.shows(schema, IsWritten::among(&self.schemas, schema))
        })
    }
}

impl<B: EventStoreBackend> SchemaRegistry<B> {
    /// Registers what is new of these, if `judge` agrees with what there is: it sees it as it is when the new ones are appended.
    pub(crate) async fn agree(
        &self,
        names: &[(String, Vec<EventSchema>)],
        mode: CompatibilityMode,
        judge: impl Fn(&[Candidates]) -> Result<(), IncompatibleSchemas>,
    ) -> Result<SchemaReport, SchemaError> {
        let mut attempt = 0;
        loop {
            let mut candidates = Vec::new();
            for (name, schemas) in names {
                let history = self.history(name).await?;
                candidates.push(Candidates { history, schemas: schemas.clone() });
            }
            judge(&candidates).map_err(SchemaError::Incompatible)?;
            attempt += 1;
            match self.append(&candidates, mode).await {
                Ok(report) => return Ok(report),
                // What is known the next time is not appended again.
                Err(SchemaError::Store(error)) if attempt < MAX_ATTEMPTS && is_settled_by_reading(&error) => {
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn append(
        &self,
        candidates: &[Candidates],
        mode: CompatibilityMode,
    ) -> Result<SchemaReport, SchemaError> {
        let mut batch = AppendBatch::new();
        let mut report = SchemaReport::default();
        for candidate in candidates {
            let name = &candidate.history.event_type;
            let mut events = Vec::new();
            for schema in candidate.missing() {
                report.registered.push((name.clone(), schema.schema_version));
                events.push(registered(schema, mode)?);
            }
            report.known += candidate.schemas.len().saturating_sub(events.len());
            if !events.is_empty() {
                batch = batch.append(stream_of(name)?, expected(candidate.history.end), events);
            }
        }
        if !report.registered.is_empty() {
            self.backend.append_all(batch).await?;
        }
        Ok(report)
    }
}

pub(super) fn expected(end: Version) -> ExpectedVersion {
    match end.get() {
        0 => ExpectedVersion::NoStream,
        _ => ExpectedVersion::Exact(end),
    }
}

fn is_settled_by_reading(error: &StoreError) -> bool {
    matches!(error, StoreError::WrongExpectedVersion { .. }) || !error.outcome_is_known()
}
