use std::{fmt, sync::Arc};

use eventstore_api::EventId;
use serde::{Deserialize, Serialize};

/// One consumer of a group. Made anew each time one joins: who comes back after a failure is another member.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct MemberId(Arc<str>);

impl MemberId {
    pub(super) fn generate() -> Self {
        Self(EventId::generate().to_string().into())
    }

    #[cfg(test)]
    pub(super) fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The id as it stands in the store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for MemberId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<MemberId> for String {
    fn from(id: MemberId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
