use std::{borrow::Cow, sync::Arc};

use crate::{
    InvalidInput,
    error::Field,
    limits::{MAX_METADATA_BYTES, MAX_METADATA_ENTRIES},
    text::{Text, check_name},
};

/// What is known about an event beside its payload: a small map of names to text, sorted by name.
///
/// Two names have a meaning everywhere: [`Metadata::CORRELATION_ID`] ties together everything that one request set
/// in motion, and [`Metadata::CAUSATION_ID`] names the message that directly caused the event. Cloning a `Metadata`
/// copies no text; an empty one takes no memory. Values are any text without NUL. The limits ([`MAX_METADATA_ENTRIES`], [`MAX_METADATA_BYTES`])
/// are checked when an append begins.
///
/// ```
/// use eventstore_api::Metadata;
///
/// let metadata = Metadata::new().with_correlation_id("request-9").with("user", "ann");
/// assert_eq!(metadata.correlation_id(), Some("request-9"));
/// assert_eq!(metadata.get("user"), Some("ann"));
/// assert_eq!(metadata.get("tenant"), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Metadata(Option<Arc<[(Text, Text)]>>);

impl Metadata {
    /// The name under which the correlation id is kept.
    pub const CORRELATION_ID: &'static str = "correlation_id";
    /// The name under which the causation id is kept.
    pub const CAUSATION_ID: &'static str = "causation_id";

    /// No metadata.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// The metadata with these entries, checked as those of an append are; of two of the same name the later one is
    /// kept. For backends that read what they stored.
    ///
    /// ```
    /// use eventstore_api::Metadata;
    ///
    /// let metadata = Metadata::from_stored([("user", "ann")])?;
    /// assert_eq!(metadata, Metadata::new().with("user", "ann"));
    /// assert!(Metadata::from_stored([("", "ann")]).is_err());
    /// # Ok::<(), eventstore_api::InvalidInput>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when a name is not legal, a value holds a NUL, or a limit ([`MAX_METADATA_ENTRIES`],
    /// [`MAX_METADATA_BYTES`]) is passed.
    pub fn from_stored<'a>(
        entries: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, InvalidInput> {
        let metadata = Self::from_entries(
            entries.into_iter().map(|(name, value)| (known_name(name), value.into())).collect(),
        );
        metadata.validate()?;
        Ok(metadata)
    }

    /// The same metadata with this entry; an entry of the same name is replaced.
    #[must_use]
    pub fn with(self, name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) -> Self {
        let name = Text::from(name.into());
        let value = Text::from(value.into());
        let mut entries = self.0.map_or_else(Vec::new, |entries| entries.to_vec());
        match entries.binary_search_by(|(existing, _)| existing.cmp(&name)) {
            Ok(found) => {
                if let Some(entry) = entries.get_mut(found) {
                    entry.1 = value;
                }
            }
            Err(place) => entries.insert(place, (name, value)),
        }
        Self(Some(entries.into()))
    }

    /// The same metadata with this correlation id.
    #[must_use]
    pub fn with_correlation_id(self, id: impl Into<Cow<'static, str>>) -> Self {
        self.with(Self::CORRELATION_ID, id)
    }

    /// The same metadata with this causation id.
    #[must_use]
    pub fn with_causation_id(self, id: impl Into<Cow<'static, str>>) -> Self {
        self.with(Self::CAUSATION_ID, id)
    }

    /// The entry of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let entries = self.0.as_deref()?;
        let found = entries.binary_search_by(|(existing, _)| existing.as_str().cmp(name)).ok()?;
        entries.get(found).map(|(_, value)| value.as_str())
    }

    /// What ties together everything that one request set in motion.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.get(Self::CORRELATION_ID)
    }

    /// The message that directly caused the event.
    #[must_use]
    pub fn causation_id(&self) -> Option<&str> {
        self.get(Self::CAUSATION_ID)
    }

    /// All entries, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.as_deref().unwrap_or_default().iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_deref().map_or(0, <[_]>::len)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn from_entries(mut entries: Vec<(Text, Text)>) -> Self {
        // Stable, and then the last of each name is kept: as if one had been added after the other.
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        entries.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        if entries.is_empty() { Self::new() } else { Self(Some(entries.into())) }
    }

    /// Names and values together, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    pub(crate) fn validate(&self) -> Result<(), InvalidInput> {
        let count = self.len();
        if count > MAX_METADATA_ENTRIES {
            return Err(InvalidInput::TooMany { what: Field::Metadata, count, max: MAX_METADATA_ENTRIES });
        }
        for (name, value) in self.iter() {
            check_name(Field::MetadataName, name, MAX_METADATA_BYTES)?;
            // Text columns of SQL databases cannot hold it.
            if let Some(at) = value.find('\0') {
                return Err(InvalidInput::ControlCharacter {
                    what: Field::MetadataValue,
                    character: '\0',
                    at,
                });
            }
        }
        match self.size() {
            length if length > MAX_METADATA_BYTES => {
                Err(InvalidInput::TooLong { what: Field::Metadata, length, max: MAX_METADATA_BYTES })
            }
            _ => Ok(()),
        }
    }
}

impl<N: Into<Cow<'static, str>>, V: Into<Cow<'static, str>>> FromIterator<(N, V)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        Self::from_entries(entries.map(|(name, value)| (name.into().into(), value.into().into())).collect())
    }
}

/// The names that have a meaning everywhere are on most events, and take no memory.
fn known_name(name: &str) -> Text {
    match name {
        Metadata::CORRELATION_ID => Text::Static(Metadata::CORRELATION_ID),
        Metadata::CAUSATION_ID => Text::Static(Metadata::CAUSATION_ID),
        _ => name.into(),
    }
}
