//! Payloads against their schemas.

use std::{collections::HashMap, sync::Arc};

use eventstore_api::{AppendBatch, Encoding};
use serde_json::Value;

use super::{EventSchema, InvalidField, InvalidPayload, SchemaError};

/// A schema, made ready to check payloads.
pub(super) struct Validator(jsonschema::Validator);

impl Validator {
    pub(super) fn of(schema: &EventSchema) -> Result<Self, SchemaError> {
        jsonschema::validator_for(&schema.schema).map(Self).map_err(|error| SchemaError::NoSchema {
            event_type: schema.event_type.clone().into_owned(),
            schema_version: schema.schema_version,
            source: Arc::new(error.to_owned()),
        })
    }

    /// Every field that fails.
    pub(super) fn check(&self, payload: &Value) -> Result<(), Vec<InvalidField>> {
        if self.0.is_valid(payload) {
            return Ok(());
        }
        let errors = self.0.iter_errors(payload);
        let fields = errors.map(|error| InvalidField {
            path: error.instance_path().to_string(),
            message: error.to_string(),
        });
        Err(fields.collect())
    }
}

/// The schemas by which payloads are checked as they are appended.
pub(crate) struct Validators {
    /// By name: today's version, and what checks it.
    by_name: HashMap<String, (u32, Validator)>,
}

impl Validators {
    /// Of each name, the highest version is today's.
    pub(super) fn of(schemas: &[EventSchema]) -> Result<Self, SchemaError> {
        let mut by_name: HashMap<String, (u32, Validator)> = HashMap::new();
        for schema in schemas {
            let is_earlier = |(version, _): &(u32, Validator)| *version > schema.schema_version;
            if !by_name.get(&*schema.event_type).is_some_and(is_earlier) {
                let name = schema.event_type.clone().into_owned();
                by_name.insert(name, (schema.schema_version, Validator::of(schema)?));
            }
        }
        Ok(Self { by_name })
    }

    /// Checks all payloads that are JSON and of a name and version that is written today.
    pub(crate) fn check(&self, batch: &AppendBatch) -> Result<(), InvalidPayload> {
        for event in batch.appends.iter().flat_map(|append| &append.events) {
            let Some((version, validator)) = self.by_name.get(event.event_type.as_str()) else { continue };
            if event.encoding != Encoding::JSON || event.schema_version != *version {
                continue;
            }
            let checked = match serde_json::from_slice(&event.payload) {
                Ok(payload) => validator.check(&payload),
                Err(error) => Err(vec![InvalidField { path: String::new(), message: error.to_string() }]),
            };
            checked.map_err(|fields| InvalidPayload {
                event_type: event.event_type.as_str().to_owned(),
                schema_version: *version,
                fields,
            })?;
        }
        Ok(())
    }
}
