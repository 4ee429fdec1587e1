use eventstore_api::{EventId, InvalidInput, Metadata, NewEvent, Tags};

use crate::{Event, PayloadCodec, Result, payload};

/// A typed event about to be appended, with what should be stored beside it. An event alone makes a draft too.
///
/// ```
/// # use allframe_cqrs::event;
/// # #[event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Deposited { amount: u64 }
/// use allframe_cqrs::{Draft, EventStore, ExpectedVersion, Metadata, Tags};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::<Deposited>::new();
/// let draft = Draft::new(Deposited { amount: 40 })
///     .with_metadata(Metadata::new().with("user", "ann"))
///     .with_tags(Tags::parse(["branch:berlin"])?);
/// store.batch().append("account-7", ExpectedVersion::Any, [draft]).commit().await?;
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Draft<E> {
    event: E,
    id: Option<EventId>,
    metadata: Metadata,
    tags: Tags,
}

impl<E> Draft<E> {
    /// A draft of this event, with a new id and nothing beside.
    pub fn new(event: E) -> Self {
        Self { event, id: None, metadata: Metadata::new(), tags: Tags::NONE }
    }

    /// The same draft with this id, for whoever can derive one from what the event is about: the same event appended
    /// twice under one id is stored once.
    #[must_use]
    pub fn with_id(mut self, id: EventId) -> Self {
        self.id = Some(id);
        self
    }

    /// The same draft with this metadata; it comes on top of the batch's.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// The same draft with these tags, beside those that the event has by itself.
    #[must_use]
    pub fn with_tags(mut self, tags: Tags) -> Self {
        self.tags = tags;
        self
    }
}

impl<E: Event> Draft<E> {
    pub(crate) fn into_new_event(self, codec: PayloadCodec) -> Result<NewEvent> {
        let Self { event, id, metadata, tags } = self;
        let mut new = payload::to_new_event(&event, codec)?;
        if let Some(id) = id {
            new = new.with_id(id);
        }
        if !tags.is_empty() {
            new.tags = union(&new.tags, &tags)?;
        }
        Ok(new.with_metadata(metadata))
    }
}

impl<E> From<E> for Draft<E> {
    fn from(event: E) -> Self {
        Self::new(event)
    }
}

fn union(some: &Tags, more: &Tags) -> Result<Tags, InvalidInput> {
    Tags::new(some.iter().chain(more).cloned())
}
