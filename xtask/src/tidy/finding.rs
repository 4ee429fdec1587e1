//! What a rule has to say.

use std::fmt;

/// One place that breaks a rule, or comes close.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    path: String,
    line: usize,
    weight: Weight,
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Broken,
    Hint,
}

impl Finding {
    /// `line` counts from 1. `message` says what is wrong and what to do.
    pub(super) fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, weight: Weight::Broken, message: message.into() }
    }

    /// The file as a whole.
    pub(super) fn of(path: &str, message: impl Into<String>) -> Self {
        Self::at(path, 1, message)
    }

    /// Worth a look, and no failure.
    pub(super) fn hint(self) -> Self {
        Self { weight: Weight::Hint, ..self }
    }

    pub(super) fn is_hint(&self) -> bool {
        self.weight == Weight::Hint
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = if self.is_hint() { "hint: " } else { "" };
        write!(f, "{}:{}: {hint}{}", self.path, self.line, self.message)
    }
}
