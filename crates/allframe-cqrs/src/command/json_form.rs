use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// How a command is read from JSON: the schema that a value must fit, and the way from the value to the command.
pub struct JsonForm<C> {
    schema: fn() -> Value,
    #[cfg(feature = "json-commands")]
    read: fn(&Value) -> Result<C, Unreadable>,
    /// Of the fields that have another name in JSON: both.
    names: &'static [(&'static str, &'static str)],
    /// The fields with rules that look at other fields, by their names in Rust; `None` where any may.
    depending: Option<&'static [&'static str]>,
    of: PhantomData<fn() -> C>,
}

/// What serde cannot read, and where it stopped.
#[cfg(feature = "json-commands")]
pub(crate) type Unreadable = serde_path_to_error::Error<serde_json::Error>;

/// What `#[command(json)]` asks of a command, to say so in its own words.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from JSON",
    label = "has no `Deserialize`",
    note = "derive it: `#[derive(serde::Deserialize)]`"
)]
pub trait ReadFromJson: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<C: DeserializeOwned> ReadFromJson for C {}

impl<C> JsonForm<C> {
    /// As [`JsonForm::new`], for `#[command(json)]`.
    #[doc(hidden)]
    #[must_use]
    pub const fn declared(schema: fn() -> Value) -> Self
    where
        C: ReadFromJson,
    {
        Self::new(schema)
    }
}

impl<C: DeserializeOwned> JsonForm<C> {
    /// The form of a command that fits this JSON schema, draft 2020-12, and is read with serde.
    #[must_use]
    pub const fn new(schema: fn() -> Value) -> Self {
        Self {
            schema,
            #[cfg(feature = "json-commands")]
            read: |value| serde_path_to_error::deserialize(value),
            names: &[],
            depending: None,
            of: PhantomData,
        }
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

    /// The same form, of a command each of whose rules looks at one field alone, but for those of these fields, named as in Rust.
    /// What [`Command::check`](crate::Command::check) says is then told also where another field cannot be read.
    #[must_use]
    pub const fn with_rules_by_field(mut self, depending: &'static [&'static str]) -> Self {
        self.depending = Some(depending);
        self
    }

    /// The schema, as `dispatch_json` checks a value against it.
    #[must_use]
    pub fn schema(&self) -> Value {
        (self.schema)()
    }
}

#[cfg(feature = "json-commands")]
impl<C> JsonForm<C> {
    /// Whether a rule of the field with this path may look at others.
    pub(crate) fn may_look_at_others(&self, path: &str) -> bool {
        self.depending.is_none_or(|depending| depending.contains(&first_and_rest(path).0))
    }

    /// The path of a field by its name in JSON.
    pub(crate) fn path_in_json(&self, path: String) -> String {
        let (first, rest) = first_and_rest(&path);
        match self.names.iter().find(|(name, _)| *name == first) {
            Some((_, in_json)) => format!("{in_json}{rest}"),
            None => path,
        }
    }

    pub(crate) fn read(&self, value: &Value) -> Result<C, Unreadable> {
        (self.read)(value)
    }
}

/// The field of the command itself, and how the path goes on in it.
#[cfg(feature = "json-commands")]
fn first_and_rest(path: &str) -> (&str, &str) {
    path.split_at(path.find(['.', '[']).unwrap_or(path.len()))
}

impl<C> std::fmt::Debug for JsonForm<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonForm").field("of", &std::any::type_name::<C>()).finish_non_exhaustive()
    }
}
