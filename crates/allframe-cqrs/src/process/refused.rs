use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Command;

/// A command that a process manager has dispatched, and that was refused: by its checks, by its handler, or by a layer around it.
#[derive(Clone, Debug)]
pub struct Refused {
    command: String,
    body: Value,
    reason: String,
}

impl Refused {
    pub(super) fn new(command: String, body: Value, reason: String) -> Self {
        Self { command, body, reason }
    }

    /// The name of the command.
    #[must_use]
    pub fn command_name(&self) -> &str {
        &self.command
    }

    /// The command, if it is one of this type, and can be read as it was stored.
    #[must_use]
    pub fn command<C: Command + DeserializeOwned>(&self) -> Option<C> {
        (self.command == C::name()).then(|| C::deserialize(&self.body).ok()).flatten()
    }

    /// Why it was refused, with the causes of that.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}
