mod failure;
mod numbers;
mod pointer;
mod reader;
mod sample;
mod stand_ins;

pub(super) use reader::JsonReader;
use serde_json::Value;

use super::{CommandBus, Dispatched, dispatch::refused_unhandled};
use crate::{CommandError, DispatchContext, Event, Fingerprint, middleware::Request, panicked::guarded};

impl<E: Event> CommandBus<E> {
    /// Dispatches a command that comes as JSON: its [name](crate::Command::name), and its fields.
    ///
    /// The value is checked against the schema of the command, whose declaration is `#[command(json)]`, and then as
    /// [`dispatch`](Self::dispatch) does. It is read before the layers, which never see JSON: limit the size of what you take in.
    /// What is wrong with it goes through them, as a request without a message, so that who is denied learns no more.
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
        self.send_json(context.for_dispatch(), name, value).await
    }

    async fn send_json(
        &self,
        context: DispatchContext,
        name: &str,
        value: Value,
    ) -> Result<Dispatched<E>, CommandError> {
        let entry = self.handlers().named(name).cloned();
        let Some(entry) = entry else {
            // Whoever sends names may send any, and each would be a label of its own.
            return Err(refused_unhandled("unknown", context, CommandError::NotFound(name.to_owned())));
        };
        let command = entry.command.name;
        let Some(reader) = &entry.command.json else {
            return Err(refused_unhandled(command, context, CommandError::NoJsonForm { command }));
        };
        let fingerprint = context.idempotency_key().and_then(|_| Fingerprint::of(&value));
        let read = guarded(|| reader.read(value))
            .unwrap_or_else(|source| Err(CommandError::Panicked { command, source }));
        match read {
            Ok(message) => self.shared.dispatch(&entry, Request { context, message, fingerprint }).await,
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
        self.send_json(DispatchContext::new().with_idempotency_key(key), name, value).await
    }

    /// The JSON schema of a command, draft 2020-12; `None` where no command of this name is read from JSON.
    #[must_use]
    pub fn json_schema(&self, name: &str) -> Option<Value> {
        let entry = self.handlers().named(name).cloned()?;
        entry.command.json.as_ref().map(|reader| reader.schema().clone())
    }
}
