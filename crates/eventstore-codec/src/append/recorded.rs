//! From what stands in a log to what the contract gives out: every rule of the contract is checked on the way.

use bytes::Bytes;
use eventstore_api::{
    Field, InvalidInput, Metadata, NewEvent, Placement, RecordedEvent, StreamId, Tag, Tags,
};

use crate::{
    DecodeError, Names,
    append::view::{EventView, MetadataView, StreamView, TagsView},
    shared::shared,
};

impl StreamView<'_> {
    /// The id of the stream, shared with those that `names` gave out lately.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Illegal`] when the name is no legal stream id.
    pub fn to_stream_id(&self, names: &mut Names) -> Result<StreamId, DecodeError> {
        names.stream(self.name).map_err(|error| error.further(self.at))
    }
}

impl EventView<'_> {
    /// The event that stands at `placement`.
    ///
    /// `buffer` is what this was read from: the payload becomes a part of it, and is not copied. With another buffer it
    /// is. The name of the type is shared with those that `names` gave out lately.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use eventstore_api::{
    ///     EventType, ExpectedVersion, GlobalPosition, NewEvent, Placement, StreamAppend, StreamId, Timestamp, Version,
    /// };
    /// use eventstore_codec::{AppendsReader, Names, encode_appends};
    ///
    /// let event = NewEvent::new(EventType::new("SeatBooked")?, "12A");
    /// let stream = StreamId::new("flight-UA1545")?;
    /// let append = StreamAppend { stream, expected: ExpectedVersion::Any, events: vec![event.clone()] };
    /// let mut log = Vec::new();
    /// encode_appends(&[append], &mut log);
    ///
    /// let (log, mut names) = (Bytes::from(log), Names::new());
    /// let mut appends = AppendsReader::new(&log)?;
    /// let stream = appends.next_stream()?.unwrap().to_stream_id(&mut names)?;
    /// let placement = Placement {
    ///     stream,
    ///     version: Version::new(1),
    ///     position: GlobalPosition::new(1),
    ///     recorded_at: Timestamp::now(),
    /// };
    /// let recorded = appends.next_event()?.to_recorded(placement, &log, &mut names)?;
    /// assert!(recorded.same_content(&event));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when a name, a tag or metadata is not legal, not UTF-8, or metadata or tags are not in order:
    /// what is stored has one form, and other bytes were not written here.
    pub fn to_recorded(
        &self,
        placement: Placement,
        buffer: &Bytes,
        names: &mut Names,
    ) -> Result<RecordedEvent, DecodeError> {
        let event_type = names.event_type(self.event_type).map_err(|error| error.further(self.at_type()))?;
        let mut event = NewEvent::identified(self.id, event_type, shared(self.payload, buffer));
        event.schema_version = self.schema_version;
        event.encoding = self.encoding;
        if !self.metadata.is_empty() {
            event.metadata = self.metadata.to_metadata()?;
        }
        if !self.tags.is_empty() {
            event.tags = self.tags.to_tags()?;
        }
        Ok(event.record(placement))
    }

    fn at_type(&self) -> usize {
        self.at + self.id.as_bytes().len()
    }
}

impl MetadataView<'_> {
    /// The metadata with these entries.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when an entry is not legal or not UTF-8, or the entries are not sorted, or one stands there twice.
    pub fn to_metadata(&self) -> Result<Metadata, DecodeError> {
        let start = self.entries.at();
        let mut entries = self.iter();
        let mut failed = None;
        let mut last = None;
        let in_order = std::iter::from_fn(|| {
            let at = entries.at();
            match entries.next()? {
                Ok((name, _)) if last.is_some_and(|last| last >= name) => {
                    failed = Some(DecodeError::OutOfOrder { what: Field::Metadata, at });
                    None
                }
                Ok((name, value)) => {
                    last = Some(name);
                    Some((name, value))
                }
                Err(error) => {
                    failed = Some(error);
                    None
                }
            }
        });
        let metadata = Metadata::from_stored(in_order);
        match failed {
            Some(error) => Err(error),
            None => metadata.map_err(|source| DecodeError::Illegal { at: start, source }),
        }
    }
}

impl TagsView<'_> {
    /// The set of these tags.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when a tag is not legal or not UTF-8, or the tags are not sorted, or one stands there twice.
    pub fn to_tags(&self) -> Result<Tags, DecodeError> {
        let start = self.tags.at();
        let mut tags = Vec::with_capacity(self.len());
        let mut stored = self.iter();
        let mut at = start;
        let mut last = None;
        while let Some(tag) = stored.next() {
            let tag = tag?;
            if last.is_some_and(|last| last >= tag) {
                return Err(DecodeError::OutOfOrder { what: Field::Tags, at });
            }
            tags.push(Tag::try_from(tag).map_err(|source| DecodeError::Illegal { at, source })?);
            last = Some(tag);
            at = stored.at();
        }
        Tags::new(tags).map_err(|source: InvalidInput| DecodeError::Illegal { at: start, source })
    }
}
