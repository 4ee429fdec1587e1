use serde::de::DeserializeOwned;
use serde_json::Value;

/// How a command is read from JSON: the schema that a value must fit, and the way from the value to the command.
pub struct JsonForm<C> {
    schema: fn() -> Value,
    read: fn(&Value) -> serde_json::Result<C>,
    /// Of the fields that have another name in JSON: both.
    names: &'static [(&'static str, &'static str)],
}

impl<C: DeserializeOwned> JsonForm<C> {
    /// The form of a command that fits this JSON schema, draft 2020-12, and is read with serde.
    #[must_use]
    pub const fn new(schema: fn() -> Value) -> Self {
        Self { schema, read: |value| C::deserialize(value), names: &[] }
    }
}

impl<C> JsonForm<C> {
    /// The same form, of a command some of whose fields have another name in JSON: for each, the name in Rust and that in JSON.
    /// What [`Command::check`](crate::Command::check) says of a field is then told by its name in JSON.
    #[must_use]
    pub const fn with_field_names(mut self, names: &'static [(&'static str, &'static str)]) -> Self {
        self.names = names;
        self
    }

    /// The schema, as `dispatch_json` checks a value against it.
    #[must_use]
    pub fn schema(&self) -> Value {
        (self.schema)()
    }

    /// The path of a field by its name in JSON.
    #[cfg_attr(
        not(feature = "json-commands"),
        expect(dead_code, reason = "`dispatch_json` comes with the feature")
    )]
    pub(crate) fn path_in_json(&self, path: String) -> String {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (first, rest) = path.split_at(end);
        match self.names.iter().find(|(name, _)| *name == first) {
            Some((_, in_json)) => format!("{in_json}{rest}"),
            None => path,
        }
    }

    #[cfg_attr(
        not(feature = "json-commands"),
        expect(dead_code, reason = "`dispatch_json` comes with the feature")
    )]
    pub(crate) fn read(&self, value: &Value) -> serde_json::Result<C> {
        (self.read)(value)
    }
}

impl<C> std::fmt::Debug for JsonForm<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonForm").field("of", &std::any::type_name::<C>()).finish_non_exhaustive()
    }
}
