use std::iter::FusedIterator;

use eventstore_api::{Encoding, EventId};

use crate::{DecodeError, input::Input};

/// The part of an append that went to one stream, as [`AppendsReader`](crate::AppendsReader) finds it.
///
/// [`encode_appends`](crate::encode_appends) has an example.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StreamView<'b> {
    /// The stream's name; UTF-8 and not too long, and otherwise as it stands there.
    pub name: &'b str,
    /// How many events there are, at least 1.
    pub events: u32,
    /// Where its name stands.
    pub(crate) at: usize,
}

/// An event as it stands in the bytes of a log.
///
/// Finding it costs no allocation and copies nothing but the id. Names are UTF-8 and not too long, and otherwise as they
/// stand there: [`to_recorded`](Self::to_recorded) checks all of it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EventView<'b> {
    /// Who this event is.
    pub id: EventId,
    /// The name of its type.
    pub event_type: &'b str,
    /// Which version of its type's schema the payload follows.
    pub schema_version: u32,
    /// How the payload is to be understood.
    pub encoding: Encoding,
    /// What happened.
    pub payload: &'b [u8],
    /// What is known beside.
    pub metadata: MetadataView<'b>,
    /// By what it can be found.
    pub tags: TagsView<'b>,
    /// Where it stands.
    pub(crate) at: usize,
}

/// The metadata of an [`EventView`].
///
/// ```
/// # use eventstore_api::{EventType, ExpectedVersion, Metadata, NewEvent, StreamAppend, StreamId};
/// # use eventstore_codec::{AppendsReader, encode_appends};
/// # let event = NewEvent::new(EventType::new("SeatBooked")?, "12A").with_metadata(Metadata::new().with("user", "ann"));
/// # let stream = StreamId::new("flight-UA1545")?;
/// # let mut log = Vec::new();
/// # encode_appends(&[StreamAppend { stream, expected: ExpectedVersion::Any, events: vec![event] }], &mut log);
/// # let mut appends = AppendsReader::new(&log)?;
/// # appends.next_stream()?;
/// # let event = appends.next_event()?;
/// for entry in event.metadata {
///     let (name, value) = entry?;
///     assert_eq!((name, value), ("user", "ann"));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MetadataView<'b> {
    pub(crate) count: u32,
    pub(crate) entries: Input<'b>,
}

impl<'b> MetadataView<'b> {
    /// The entries, as they stand there.
    #[must_use]
    pub fn iter(&self) -> MetadataIter<'b> {
        MetadataIter { left: self.count, input: self.entries }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The tags of an [`EventView`].
///
/// ```
/// # use eventstore_api::{EventType, ExpectedVersion, NewEvent, StreamAppend, StreamId, Tags};
/// # use eventstore_codec::{AppendsReader, DecodeError, encode_appends};
/// # let event = NewEvent::new(EventType::new("SeatBooked")?, "12A").with_tags(Tags::parse(["seat:12A", "user:ann"])?);
/// # let stream = StreamId::new("flight-UA1545")?;
/// # let mut log = Vec::new();
/// # encode_appends(&[StreamAppend { stream, expected: ExpectedVersion::Any, events: vec![event] }], &mut log);
/// # let mut appends = AppendsReader::new(&log)?;
/// # appends.next_stream()?;
/// # let event = appends.next_event()?;
/// let tags: Vec<&str> = event.tags.iter().collect::<Result<_, DecodeError>>()?;
/// assert_eq!(tags, ["seat:12A", "user:ann"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TagsView<'b> {
    pub(crate) count: u32,
    pub(crate) tags: Input<'b>,
}

impl<'b> TagsView<'b> {
    /// The tags, as they stand there.
    #[must_use]
    pub fn iter(&self) -> TagsIter<'b> {
        TagsIter { left: self.count, input: self.tags }
    }

    /// How many tags there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The names and values of a [`MetadataView`]; ends with the first one that is not UTF-8.
#[derive(Clone, Debug)]
pub struct MetadataIter<'b> {
    left: u32,
    input: Input<'b>,
}

/// The tags of a [`TagsView`]; ends with the first one that is not UTF-8.
#[derive(Clone, Debug)]
pub struct TagsIter<'b> {
    left: u32,
    input: Input<'b>,
}

impl MetadataIter<'_> {
    /// Where the next entry stands.
    pub(crate) fn at(&self) -> usize {
        self.input.at()
    }
}

impl TagsIter<'_> {
    /// Where the next tag stands.
    pub(crate) fn at(&self) -> usize {
        self.input.at()
    }
}

impl<'b> Iterator for MetadataIter<'b> {
    type Item = Result<(&'b str, &'b str), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.left.checked_sub(1)?;
        let name = self.input.text("the name of a metadata entry");
        let entry = name.and_then(|name| Ok((name, self.input.text("the value of a metadata entry")?)));
        self.left = if entry.is_ok() { left } else { 0 };
        Some(entry.map_err(|error| *error))
    }
}

impl<'b> Iterator for TagsIter<'b> {
    type Item = Result<&'b str, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.left.checked_sub(1)?;
        let tag = self.input.text("a tag");
        self.left = if tag.is_ok() { left } else { 0 };
        Some(tag.map_err(|error| *error))
    }
}

impl FusedIterator for MetadataIter<'_> {}
impl FusedIterator for TagsIter<'_> {}

impl<'b> IntoIterator for MetadataView<'b> {
    type Item = Result<(&'b str, &'b str), DecodeError>;
    type IntoIter = MetadataIter<'b>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'b> IntoIterator for TagsView<'b> {
    type Item = Result<&'b str, DecodeError>;
    type IntoIter = TagsIter<'b>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
