#[cfg(feature = "validation")]
mod coded;
#[cfg(feature = "validation")]
#[allow(missing_docs, reason = "for `#[command]` alone")]
pub mod rule_fits;

#[cfg(feature = "validation")]
pub use coded::check_with_garde;

/// What is wrong with one field of a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct ValidationError {
    /// Which field, by its path: `owner`, `address.street`, `items[2].sku`; empty for the command as a whole.
    pub field: String,
    /// What is wrong, for a person.
    pub message: String,
    /// What is wrong, for a program; `validation_failed` unless said otherwise.
    pub code: String,
}

impl ValidationError {
    /// An error in this field, with the code `validation_failed`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::with_code(field, message, "validation_failed")
    }

    /// An error in this field, with this code.
    pub fn with_code(field: impl Into<String>, message: impl Into<String>, code: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), code: code.into() }
    }
}
