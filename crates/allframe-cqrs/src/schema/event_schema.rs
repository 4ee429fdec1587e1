use std::borrow::Cow;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use super::canonical::canonical;
use crate::{EventTypeName, Fingerprint};

/// The schema of the payloads that are stored under a name in a version.
///
/// Serde writes one thing and reads another: a field that may be `None` is written as null, and may be left out where it is read.
/// So there are two, and a comparison of versions takes of each the one that counts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EventSchema {
    /// The name under which it is stored.
    pub event_type: Cow<'static, str>,
    /// The version, from 1.
    pub schema_version: u32,
    /// What is written, as JSON schema, draft 2020-12.
    pub schema: Value,
    /// What is read.
    pub read_schema: Value,
    /// What tells it from other schemas, whatever is said of it beside: titles, descriptions, the order of fields.
    pub fingerprint: Fingerprint,
}

impl EventSchema {
    /// The schema of payloads that are written and read by these.
    #[must_use]
    pub fn new(
        event_type: impl Into<Cow<'static, str>>,
        schema_version: u32,
        schema: Value,
        read_schema: Value,
    ) -> Self {
        let both = json!([canonical(&schema), canonical(&read_schema)]);
        let fingerprint = Fingerprint::of_json(both);
        Self { event_type: event_type.into(), schema_version, schema, read_schema, fingerprint }
    }

    /// The schema of payloads that are values of a type.
    ///
    /// ```
    /// use allframe_cqrs::schema::EventSchema;
    ///
    /// let deposited = EventSchema::of::<u64>("Deposited", 1);
    /// assert_eq!(deposited.schema["type"], "integer");
    /// ```
    #[must_use]
    pub fn of<T: JsonSchema>(event_type: impl Into<Cow<'static, str>>, schema_version: u32) -> Self {
        let settings = SchemaSettings::draft2020_12();
        let of = |settings: SchemaSettings| settings.into_generator().into_root_schema_for::<T>().to_value();
        let (written, read) = (of(settings.clone().for_serialize()), of(settings.for_deserialize()));
        Self::new(event_type, schema_version, written, read)
    }

    /// The same for the type that a function takes; `#[event(schema)]` knows some by no more than this.
    #[doc(hidden)]
    pub fn of_parameter<T: JsonSchema>(
        event_type: impl Into<Cow<'static, str>>,
        schema_version: u32,
        _: impl Fn(T),
    ) -> Self {
        Self::of::<T>(event_type, schema_version)
    }
}

/// Events whose schemas are known: `#[event(schema)]` derives them.
///
/// There is one for each kind of events of the type, under the name that it is written under today, and for each version from the
/// first that the type [reads by itself](crate::EventVariant::declared_since) to today's. A variant's is that of its content, which
/// is all that is stored of it. An enum to which serde gives a form of its own has the schema of the whole for each of its names.
///
/// Every type in a field has to be `JsonSchema`: derive it, through [`allframe_cqrs::schemars`](schemars).
///
/// ```
/// use allframe_cqrs::{event, schema::EventSchemas};
/// use serde::{Deserialize, Serialize};
///
/// #[event(schema)]
/// #[derive(Clone, Serialize, Deserialize)]
/// enum AccountEvent {
///     Opened { owner: String },
///     #[event(version = 2)]
///     Deposited {
///         amount: u64,
///         #[added(version = 2, default = "EUR")]
///         currency: String,
///     },
/// }
///
/// let schemas = AccountEvent::schemas();
/// let found: Vec<_> = schemas.iter().map(|schema| (&*schema.event_type, schema.schema_version)).collect();
/// assert_eq!(found, [("Opened", 1), ("Deposited", 1), ("Deposited", 2)]);
/// assert_eq!(schemas[1].schema["required"], serde_json::json!(["amount"]));
/// assert_eq!(schemas[2].schema["required"], serde_json::json!(["amount", "currency"]));
/// ```
#[diagnostic::on_unimplemented(
    message = "the events `{Self}` have no schemas",
    label = "no schemas are known of this type",
    note = "write `#[event(schema)]` on it"
)]
pub trait EventSchemas: EventTypeName {
    /// A schema for each stored name and version, versions in their order.
    fn schemas() -> Vec<EventSchema>;
}
