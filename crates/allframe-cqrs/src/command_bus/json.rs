use std::any::Any;

use jsonschema::{Validator, error::ValidationErrorKind};
use serde_json::Value;

use super::{CommandBus, Dispatched};
use crate::{
    BuildProblem, Command, CommandError, DispatchContext, Event, ValidationError, middleware::Request,
};

impl<E: Event> CommandBus<E> {
    /// Dispatches a command that comes as JSON: its [name](Command::name), and its fields.
    ///
    /// The value is checked against the schema of the command, whose declaration is `#[command(json)]`, and then as
    /// [`dispatch`](Self::dispatch) does.
    ///
    /// # Errors
    ///
    /// [`CommandError::Validation`] with every field that fails; [`CommandError::NotFound`] for a name that no command with a
    /// handler has; [`CommandError::NoJsonForm`]; and as [`CommandBus::dispatch`].
    ///
    /// ```
    /// use allframe_cqrs::{CommandBus, CommandError, EventStore, command, event};
    /// use serde::{Deserialize, Serialize};
    /// use serde_json::json;
    ///
    /// #[event]
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Opened { owner: String }
    ///
    /// #[command(json, stream = "account-{account}")]
    /// #[derive(Deserialize)]
    /// struct OpenAccount { account: u32, owner: String }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let bus = CommandBus::builder(EventStore::new())
    ///     .function(|command: OpenAccount| async move { vec![Opened { owner: command.owner }] })
    ///     .build()?;
    ///
    /// bus.dispatch_json("OpenAccount", json!({ "account": 7, "owner": "ann" })).await.unwrap();
    ///
    /// let refused = bus.dispatch_json("OpenAccount", json!({ "account": "seven" })).await.unwrap_err();
    /// let CommandError::Validation(errors) = refused else { panic!("{refused}") };
    /// let found: Vec<_> = errors.iter().map(|error| (&*error.field, &*error.code)).collect();
    /// assert_eq!(found, [("account", "type"), ("owner", "required")]);
    /// # Ok::<(), allframe_cqrs::BuildError>(()) }).unwrap();
    /// ```
    pub async fn dispatch_json(&self, name: &str, value: Value) -> Result<Dispatched<E>, CommandError> {
        self.dispatch_json_with(DispatchContext::new(), name, value).await
    }

    /// As [`CommandBus::dispatch_json`], with what the caller knows of the command.
    ///
    /// # Errors
    ///
    /// As [`CommandBus::dispatch_json`].
    pub async fn dispatch_json_with(
        &self,
        context: DispatchContext,
        name: &str,
        value: Value,
    ) -> Result<Dispatched<E>, CommandError> {
        let entry = self.read(|handlers| handlers.by_name.get(name).cloned());
        let entry = entry.ok_or_else(|| CommandError::NotFound(name.to_owned()))?;
        let reader = entry.json.as_ref().ok_or(CommandError::NoJsonForm { command: entry.command })?;
        match reader.read(value) {
            Ok(message) => self.shared.dispatch(&entry, Request { context, message }).await,
            Err(error) => self.shared.dispatch_unread(&entry, context, error).await,
        }
    }

    /// As [`CommandBus::dispatch_json`], once for a key: see [`CommandBus::dispatch_idempotent`].
    ///
    /// # Errors
    ///
    /// As [`CommandBus::dispatch_json`] and [`CommandBus::dispatch_idempotent`].
    pub async fn dispatch_json_idempotent(
        &self,
        name: &str,
        value: Value,
        key: impl Into<std::sync::Arc<str>>,
    ) -> Result<Dispatched<E>, CommandError> {
        self.dispatch_json_with(DispatchContext::new().with_key(key.into()), name, value).await
    }

    /// The JSON schema of a command, draft 2020-12; `None` where no command of this name is read from JSON.
    #[must_use]
    pub fn json_schema(&self, name: &str) -> Option<Value> {
        let entry = self.read(|handlers| handlers.by_name.get(name).cloned())?;
        entry.json.as_ref().map(|reader| reader.schema.clone())
    }
}

/// Reads commands of one type from JSON.
pub(super) struct JsonReader {
    schema: Value,
    validator: Validator,
    read: Box<dyn Fn(Value) -> Result<Read, serde_json::Error> + Send + Sync>,
}

/// A command that was read, and what its own checks say of it.
struct Read {
    command: Box<dyn Any + Send + Sync>,
    failed: Vec<ValidationError>,
}

impl JsonReader {
    pub(super) fn of<C: Command>() -> Result<Option<Self>, BuildProblem> {
        let Some(form) = C::json_form() else { return Ok(None) };
        let schema = form.schema();
        let validator = jsonschema::validator_for(&schema)
            .map_err(|error| BuildProblem::InvalidSchema { command: C::name(), reason: error.to_string() })?;
        let read = move |value| {
            let command = form.read(value)?;
            let failed = command.check().err().unwrap_or_default();
            Ok(Read { command: Box::new(command), failed })
        };
        Ok(Some(Self { schema, validator, read: Box::new(read) }))
    }

    fn read(&self, value: Value) -> Result<Box<dyn Any + Send + Sync>, CommandError> {
        let mut errors: Vec<_> = self.validator.iter_errors(&value).flat_map(|error| told(&error)).collect();
        match (self.read)(value) {
            Ok(read) if errors.is_empty() && read.failed.is_empty() => return Ok(read.command),
            // The schema holds many of the same rules, and has told of them.
            Ok(read) => {
                let is_new =
                    |failed: &ValidationError| errors.iter().all(|error| error.field != failed.field);
                let failed: Vec<_> = read.failed.into_iter().filter(is_new).collect();
                errors.extend(failed);
            }
            Err(error) if errors.is_empty() => {
                errors.push(ValidationError::with_code("", error.to_string(), "unreadable"));
            }
            Err(_) => {}
        }
        errors.sort_by(|one, other| one.field.cmp(&other.field));
        Err(CommandError::Validation(errors))
    }
}

/// An error of the schema, in our words; several where it names several fields.
fn told(error: &jsonschema::ValidationError<'_>) -> Vec<ValidationError> {
    let (message, code) = (error.to_string(), error.kind().keyword().to_owned());
    let place = path(error.instance_path().as_str());
    let at = |field: &str| {
        let field = if place.is_empty() { field.to_owned() } else { format!("{place}.{field}") };
        ValidationError { field, message: message.clone(), code: code.clone() }
    };
    match error.kind() {
        ValidationErrorKind::Required { property: Value::String(missing) } => vec![at(missing)],
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unexpected.iter().map(|field| at(field)).collect()
        }
        _ => vec![ValidationError { field: place, message, code }],
    }
}

/// A JSON pointer as the path of a field: `/items/2/sku` is `items[2].sku`.
fn path(pointer: &str) -> String {
    let mut path = String::new();
    for segment in pointer.split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        if segment.bytes().all(|byte| byte.is_ascii_digit()) && !segment.is_empty() {
            path.push_str(&format!("[{segment}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&segment);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_pointer_becomes_the_path_that_people_write() {
        assert_eq!(path(""), "");
        assert_eq!(path("/owner"), "owner");
        assert_eq!(path("/items/2/sku"), "items[2].sku");
        assert_eq!(path("/a~1b/~0c"), "a/b.~c");
    }
}
