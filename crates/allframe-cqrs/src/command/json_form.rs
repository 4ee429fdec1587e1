use serde::de::DeserializeOwned;
use serde_json::Value;

/// How a command is read from JSON: the schema that a value must fit, and the way from the value to the command.
pub struct JsonForm<C> {
    schema: fn() -> Value,
    read: fn(Value) -> serde_json::Result<C>,
}

impl<C: DeserializeOwned> JsonForm<C> {
    /// The form of a command that fits this JSON schema, draft 2020-12, and is read with serde.
    #[must_use]
    pub const fn new(schema: fn() -> Value) -> Self {
        Self { schema, read: serde_json::from_value }
    }
}

impl<C> JsonForm<C> {
    /// The schema, as `dispatch_json` checks a value against it.
    #[must_use]
    pub fn schema(&self) -> Value {
        (self.schema)()
    }

    #[cfg_attr(
        not(feature = "json-commands"),
        expect(dead_code, reason = "`dispatch_json` comes with the feature")
    )]
    pub(crate) fn read(&self, value: Value) -> serde_json::Result<C> {
        (self.read)(value)
    }
}

impl<C> std::fmt::Debug for JsonForm<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonForm").field("of", &std::any::type_name::<C>()).finish_non_exhaustive()
    }
}
