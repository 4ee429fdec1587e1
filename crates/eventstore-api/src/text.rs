//! A short immutable string that is cheap to clone, and the rules every name keeps.

use std::{
    borrow::Cow,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use crate::error::{Field, InvalidInput};

/// Names known at compile time are never copied; all others are shared.
#[derive(Clone)]
pub(crate) enum Text {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Text {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl From<Cow<'static, str>> for Text {
    fn from(text: Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Static(text),
            Cow::Owned(text) => Self::Shared(text.into()),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Shared(text.into())
    }
}

// By content, wherever it is kept: `Static("a") == Shared("a")`.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

// As `str` does, so that a map keyed by a name can be asked with a `&str`.
impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What every name must be: not empty, no longer than `max` bytes, free of control characters.
pub(crate) fn check_name(what: Field, name: &str, max: usize) -> Result<(), InvalidInput> {
    if name.is_empty() {
        return Err(InvalidInput::Empty { what });
    }
    if name.len() > max {
        return Err(InvalidInput::TooLong { what, length: name.len(), max });
    }
    // The bytes of control characters, and one with which others begin too: a log is full of names without any.
    if !name.bytes().any(|byte| byte < b' ' || byte == 0x7f || byte == 0xc2) {
        return Ok(());
    }
    match name.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, character)) => Err(InvalidInput::ControlCharacter { what, character, at }),
        None => Ok(()),
    }
}

/// The traits that make a newtype over [`Text`] as handy as a string; it has a `check` of its own.
macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The name as a string slice.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::InvalidInput;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                Self::try_from(name)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = crate::InvalidInput;

            fn try_from(name: &str) -> Result<Self, Self::Error> {
                Self::check(name)?;
                Ok(Self(name.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = crate::InvalidInput;

            fn try_from(name: String) -> Result<Self, Self::Error> {
                Self::new(name)
            }
        }
    };
}

pub(crate) use text_newtype;

#[cfg(test)]
mod tests {
    use crate::{EventType, InvalidInput, StreamId, Tag};

    #[test]
    fn every_control_character_is_refused_and_nothing_else() {
        for character in '\0'..='\u{400}' {
            let name = format!("a:{character}");
            let refused = matches!(
                StreamId::new(name.clone()),
                Err(InvalidInput::ControlCharacter { at: 2, character: found, .. }) if found == character
            );
            assert_eq!(refused, character.is_control(), "{character:?}");
            assert_eq!(StreamId::new(name).is_err(), character.is_control(), "{character:?}");
        }
    }

    #[test]
    fn a_borrowed_name_is_checked_as_an_owned_one_is() {
        for name in ["", "plain", "key:value", ":", "two\nlines", &"long:".repeat(200)] {
            assert_eq!(StreamId::try_from(name), StreamId::new(name.to_owned()));
            assert_eq!(EventType::try_from(name), EventType::new(name.to_owned()));
            assert_eq!(Tag::try_from(name), Tag::new(name.to_owned()));
        }
    }
}
