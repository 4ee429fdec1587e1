use std::{borrow::Cow, sync::Arc};

use crate::{
    InvalidInput,
    error::Field,
    limits::{MAX_TAG_BYTES, MAX_TAGS},
    text::{Text, check_name, text_newtype},
};

/// A `key:value` label on an event, by which it can be found and by which an append condition can be stated.
///
/// Up to [`MAX_TAG_BYTES`] bytes of UTF-8 without control characters, with a `:` after at least one character of
/// key. The value may be empty and may itself hold a `:`.
///
/// ```
/// use eventstore_api::Tag;
///
/// let tag = Tag::new("course:rust-101")?;
/// assert_eq!((tag.key(), tag.value()), ("course", "rust-101"));
/// assert_eq!(tag, Tag::of("course", "rust-101")?);
/// assert!(Tag::new("no colon").is_err());
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Text);

text_newtype!(Tag);

impl Tag {
    /// A tag from its `key:value` form.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when there is no key, no `:`, a control character, or more than [`MAX_TAG_BYTES`] bytes.
    pub fn new(tag: impl Into<Cow<'static, str>>) -> Result<Self, InvalidInput> {
        let tag = tag.into();
        Self::check(&tag)?;
        Ok(Self(tag.into()))
    }

    fn check(tag: &str) -> Result<(), InvalidInput> {
        check_name(Field::Tag, tag, MAX_TAG_BYTES)?;
        match tag.find(':') {
            None | Some(0) => Err(InvalidInput::TagWithoutKey { tag: tag.to_owned() }),
            Some(_) => Ok(()),
        }
    }

    /// A tag from its two halves.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] as for [`Tag::new`], and when the key itself holds a `:`.
    pub fn of(key: &str, value: impl std::fmt::Display) -> Result<Self, InvalidInput> {
        let tag = format!("{key}:{value}");
        if key.contains(':') {
            return Err(InvalidInput::TagWithoutKey { tag });
        }
        Self::new(tag)
    }

    /// What stands before the first `:`.
    #[must_use]
    pub fn key(&self) -> &str {
        self.as_str().split_once(':').map_or(self.as_str(), |(key, _)| key)
    }

    /// What stands after the first `:`.
    #[must_use]
    pub fn value(&self) -> &str {
        self.as_str().split_once(':').map_or("", |(_, value)| value)
    }
}

/// The tags of one event: a small set, sorted, without repeats. Cloning it copies no text.
///
/// ```
/// use eventstore_api::{Tag, Tags};
///
/// let tags = Tags::new([Tag::new("student:ann")?, Tag::new("course:rust-101")?, Tag::new("student:ann")?])?;
/// assert_eq!(tags.len(), 2);
/// assert!(tags.contains("course:rust-101"));
/// assert!(tags.contains_all(&Tags::new([Tag::new("student:ann")?])?));
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tags(Option<Arc<[Tag]>>);

impl Tags {
    /// No tags; takes no memory.
    pub const NONE: Self = Self(None);

    /// The set of these tags.
    ///
    /// # Errors
    ///
    /// [`InvalidInput::TooMany`] beyond [`MAX_TAGS`] different ones.
    pub fn new(tags: impl IntoIterator<Item = Tag>) -> Result<Self, InvalidInput> {
        let mut tags: Vec<Tag> = tags.into_iter().collect();
        tags.sort_unstable();
        tags.dedup();
        match tags.len() {
            0 => Ok(Self::NONE),
            count if count > MAX_TAGS => {
                Err(InvalidInput::TooMany { what: Field::Tags, count, max: MAX_TAGS })
            }
            _ => Ok(Self(Some(tags.into()))),
        }
    }

    /// The set of the tags with these `key:value` forms.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] as for [`Tag::new`] and [`Tags::new`].
    pub fn parse<T: Into<Cow<'static, str>>>(
        tags: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidInput> {
        let tags: Vec<Tag> = tags.into_iter().map(Tag::new).collect::<Result<_, _>>()?;
        Self::new(tags)
    }

    /// The tags in their order.
    #[must_use]
    pub fn as_slice(&self) -> &[Tag] {
        self.0.as_deref().unwrap_or_default()
    }

    /// The tags in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Tag> {
        self.as_slice().iter()
    }

    /// How many tags there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether this tag is among them.
    #[must_use]
    pub fn contains(&self, tag: &str) -> bool {
        self.as_slice().binary_search_by(|mine| mine.as_str().cmp(tag)).is_ok()
    }

    /// Whether every one of `others` is among them.
    #[must_use]
    pub fn contains_all(&self, others: &Self) -> bool {
        others.iter().all(|tag| self.contains(tag.as_str()))
    }
}

impl<'a> IntoIterator for &'a Tags {
    type Item = &'a Tag;
    type IntoIter = std::slice::Iter<'a, Tag>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
