use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Which schemas of an event have to be readable by which, in the words that registries of schemas have for it.
///
/// Today's schema is compared with the latest that was registered before it; in a mode that is transitive, with all of them. A
/// store of events keeps what was written by every program there ever was, so [`BackwardTransitive`](Self::BackwardTransitive) is
/// what it takes, and the default.
///
/// ```
/// use allframe_cqrs::schema::CompatibilityMode;
///
/// assert_eq!("full_transitive".parse(), Ok(CompatibilityMode::FullTransitive));
/// assert_eq!(CompatibilityMode::default().to_string(), "backward_transitive");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CompatibilityMode {
    /// Nothing is compared.
    None,
    /// Today's program reads what the one before it wrote.
    Backward,
    /// Today's program reads what every program before it wrote.
    #[default]
    BackwardTransitive,
    /// The program before today's reads what today's writes.
    Forward,
    /// Every program before today's reads what today's writes.
    ForwardTransitive,
    /// Backward and forward.
    Full,
    /// Backward and forward, with every program before today's.
    FullTransitive,
}

/// Who reads what was written by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The newer program reads what the earlier wrote.
    Backward,
    /// The earlier program reads what the newer writes.
    Forward,
}

impl CompatibilityMode {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Backward,
        Self::BackwardTransitive,
        Self::Forward,
        Self::ForwardTransitive,
        Self::Full,
        Self::FullTransitive,
    ];

    /// Who has to be able to read whom.
    #[must_use]
    pub const fn directions(self) -> &'static [Direction] {
        match self {
            Self::None => &[],
            Self::Backward | Self::BackwardTransitive => &[Direction::Backward],
            Self::Forward | Self::ForwardTransitive => &[Direction::Forward],
            Self::Full | Self::FullTransitive => &[Direction::Backward, Direction::Forward],
        }
    }

    /// Whether all earlier schemas count, and not the latest of them alone.
    #[must_use]
    pub const fn is_transitive(self) -> bool {
        matches!(self, Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Backward => "backward",
            Self::BackwardTransitive => "backward_transitive",
            Self::Forward => "forward",
            Self::ForwardTransitive => "forward_transitive",
            Self::Full => "full",
            Self::FullTransitive => "full_transitive",
        }
    }
}

impl fmt::Display for CompatibilityMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for CompatibilityMode {
    type Err = UnknownMode;

    /// `backward_transitive`, `BACKWARD_TRANSITIVE` and `backward-transitive` are the same.
    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        let word = text.to_ascii_lowercase().replace('-', "_");
        Self::ALL.into_iter().find(|mode| mode.word() == word).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

/// A word that is no mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no compatibility mode; these are: none, backward, backward_transitive, forward, forward_transitive, full, \
     full_transitive"
)]
pub struct UnknownMode(pub String);
