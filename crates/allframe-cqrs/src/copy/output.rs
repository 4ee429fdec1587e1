use std::borrow::Cow;

use eventstore_api::{EventType, IntoStreamId, NewEvent, RecordedEvent, StreamId};

use super::{
    TransformError,
    original::{derived_id, event_of, with_original_time},
};

/// Where a [transform](super::Transform) says what becomes of an event.
///
/// It has to say something: what is not to be in the new store is [discarded](Self::discard), never forgotten. It may say
/// several things, and the events are written in the order in which it says so, those of one stream next to each other.
///
/// The first event that is written keeps the id of the original, the others have one derived from it, always the same, so
/// that a copy which goes on after an interruption writes nothing twice. A name that is not legal makes the transform
/// fail.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use allframe_cqrs::{EventStoreBackend, InMemoryBackend, api::{Encoding, RecordedEvent}, copy::{Output, StoreCopy}};
///
/// # let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
/// let copy = StoreCopy::new("one-stream-a-customer").from(&old).to(&new).transform(|record, output| {
///     match record.event_type.as_str() {
///         "Ping" => output.discard(),                                          // dropped
///         "AccountOpened" => output.keep_as("Opened"),                         // renamed
///         "Deposited" => output.keep_in(format!("ledger-{}", record.stream)),  // put into another stream
///         "Moved" => {                                                         // made into two
///             let mut event = output.event();
///             event.encoding = Encoding::BINARY;
///             output.write("audit", event.clone());
///             output.write(&record.stream, event);
///         }
///         _ => output.keep(),
///     }
/// });
/// copy.run().await?;
/// # Ok::<(), allframe_cqrs::copy::CopyError>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Output<'a> {
    record: &'a RecordedEvent,
    written: Vec<(StreamId, NewEvent)>,
    is_discarded: bool,
    failure: Option<TransformError>,
}

impl<'a> Output<'a> {
    pub(super) fn of(record: &'a RecordedEvent) -> Self {
        Self { record, written: Vec::new(), is_discarded: false, failure: None }
    }

    /// The event as it would be kept: with its id, type, schema version, encoding, payload, metadata and tags, and with
    /// the time at which it was recorded in its metadata.
    #[must_use]
    pub fn event(&self) -> NewEvent {
        event_of(self.record)
    }

    /// Writes the event as it is, in its stream.
    pub fn keep(&mut self) {
        self.push(self.record.stream.clone(), self.event());
    }

    /// Writes the event in its stream under another type's name.
    pub fn keep_as(&mut self, event_type: impl Into<Cow<'static, str>>) {
        match EventType::new(event_type) {
            Ok(event_type) => {
                let mut event = self.event();
                event.event_type = event_type;
                self.push(self.record.stream.clone(), event);
            }
            Err(error) => self.fail(error.into()),
        }
    }

    /// Writes the event as it is, in another stream.
    pub fn keep_in(&mut self, stream: impl IntoStreamId) {
        let event = self.event();
        self.write(stream, event);
    }

    /// Writes this event in this stream. Begin with [`Output::event`]: an event that is made from nothing has no
    /// correlation id and no tags.
    ///
    /// Its id is the one of the original, or derived from that; only [`Output::write_under_its_id`] takes the event's own.
    pub fn write(&mut self, stream: impl IntoStreamId, event: NewEvent) {
        let part = u64::try_from(self.written.len()).unwrap_or(u64::MAX);
        let id = if part == 0 { self.record.id } else { derived_id(self.record.id, part) };
        self.write_under_its_id(stream, event.with_id(id));
    }

    /// Writes this event in this stream, under the id that it has: one that the transform can make again.
    ///
    /// Where streams are merged that hold the same id, which streams may, this gives one of the events another one.
    pub fn write_under_its_id(&mut self, stream: impl IntoStreamId, event: NewEvent) {
        match stream.into_stream_id() {
            Ok(stream) => self.push(stream, with_original_time(event, self.record)),
            Err(error) => self.fail(error.into()),
        }
    }

    /// Says that nothing is written beyond what has been: of an event of which nothing has, that it is dropped.
    pub fn discard(&mut self) {
        self.is_discarded = true;
    }

    fn push(&mut self, stream: StreamId, event: NewEvent) {
        self.written.push((stream, event));
    }

    fn fail(&mut self, error: TransformError) {
        self.failure.get_or_insert(error);
    }

    /// What was said.
    pub(super) fn into_said(self) -> Result<Said, TransformError> {
        match self {
            Self { failure: Some(failure), .. } => Err(failure),
            Self { written, is_discarded: false, .. } if written.is_empty() => Ok(Said::Nothing),
            Self { written, .. } => Ok(Said::Writes(written)),
        }
    }
}

/// What a transform has said of an event.
pub(super) enum Said {
    /// That these are written: none where it is dropped.
    Writes(Vec<(StreamId, NewEvent)>),
    /// Not even that it is dropped.
    Nothing,
}
