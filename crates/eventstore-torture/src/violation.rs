//! What the tests find.

use std::fmt::Display;

use eventstore_api::{StoreError, message_with_causes};

/// A promise that the engine did not keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(String);

impl Violation {
    /// This is what went wrong.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// The same, and under which circumstances.
    #[must_use]
    pub fn during(self, circumstances: impl Display) -> Self {
        Self(format!("{circumstances}: {}", self.0))
    }
}

/// Why a check did not come to its end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Trouble {
    /// What was found is wrong.
    #[error(transparent)]
    Wrong(#[from] Violation),
    /// The store says that it cannot tell, which is as it should be when its disk was damaged, and only then.
    #[error(transparent)]
    Refused(#[from] StoreError),
}

impl From<Trouble> for Violation {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Wrong(violation) => violation,
            Trouble::Refused(error) => {
                Self(format!("the store refuses what it should answer: {}", message_with_causes(&error)))
            }
        }
    }
}

/// Nothing, or what is wrong.
pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation(what())) }
}
