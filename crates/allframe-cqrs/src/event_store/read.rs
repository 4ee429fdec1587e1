use std::sync::Arc;

use async_trait::async_trait;
use eventstore_api::{
    EventFilter, EventStoreBackend, GlobalPosition, IntoStreamId, ReadAll, RecordedEvent, StreamId,
    StreamRange, Version,
};
use futures_core::stream::BoxStream;
use futures_util::stream;

use super::EventStore;
use crate::{Event, Recorded, Result, versioning::Parts};

/// Everything that passed a filter, and the position up to which that is so.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Matching<E> {
    /// The events that pass, from old to new.
    pub events: Vec<Recorded<E>>,
    /// Every event up to here has been looked at: what an append under
    /// [`unless_matching`](crate::Batch::unless_matching) goes on from.
    pub position: GlobalPosition,
}

/// Typed events as they are read. It owns what it needs, and may outlive the handle to the store that it came from.
pub type EventStream<E> = BoxStream<'static, Result<Recorded<E>>>;

/// How many events a `Stream` holds at a time.
const PAGE: usize = ReadAll::DEFAULT_LIMIT;

impl<E: Event, B: EventStoreBackend> EventStore<E, B> {
    /// All events of a stream, from the first; none when there is no such stream.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`](crate::Error::Decode) naming the event that is no `E`, or [`Error::Store`](crate::Error::Store).
    pub async fn get_events(&self, stream: impl IntoStreamId) -> Result<Vec<E>> {
        self.get_events_after(stream, Version::NONE).await
    }

    /// The events of a stream with a greater version than this.
    ///
    /// # Errors
    ///
    /// As [`EventStore::get_events`].
    pub async fn get_events_after(
        &self,
        stream: impl IntoStreamId,
        version: impl Into<Version>,
    ) -> Result<Vec<E>> {
        let records = self.backend.get_events_after(&stream.into_stream_id()?, version.into()).await?;
        let mut events = Vec::with_capacity(records.len());
        for record in &records {
            events.extend(self.reader.events(record)?);
        }
        Ok(events)
    }

    /// All events of type `E` in the store, in their order, in one list. For small stores: [`EventStore::read_all`] takes
    /// no more memory than a page.
    ///
    /// # Errors
    ///
    /// As [`EventStore::get_events`].
    pub async fn get_all_events(&self) -> Result<Vec<E>> {
        let mut events = Vec::new();
        self.for_each_page(&EventFilter::all(), GlobalPosition::START, |page| {
            for record in &page {
                events.extend(self.reader.events(record)?);
            }
            Ok(())
        })
        .await?;
        Ok(events)
    }

    /// All events of type `E` that pass a filter, and the position up to which that is so.
    ///
    /// # Errors
    ///
    /// As [`EventStore::get_events`].
    pub async fn get_matching(&self, filter: &EventFilter) -> Result<Matching<E>> {
        self.get_matching_after(filter, GlobalPosition::START).await
    }

    /// The events of type `E` after a position that pass a filter: what a decision that has to be made anew reads.
    ///
    /// # Errors
    ///
    /// As [`EventStore::get_events`].
    pub async fn get_matching_after(
        &self,
        filter: &EventFilter,
        after: GlobalPosition,
    ) -> Result<Matching<E>> {
        let mut events = Vec::new();
        let position = self
            .for_each_page(filter, after, |page| {
                for record in page {
                    events.extend(self.reader.read(record)?);
                }
                Ok(())
            })
            .await?;
        Ok(Matching { events, position })
    }

    /// A part of a stream, read page by page as it is asked for.
    ///
    /// ```
    /// # use allframe_cqrs::event;
    /// # #[event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Deposited { amount: u64 }
    /// use allframe_cqrs::{EventStore, StreamRange};
    /// use futures_util::TryStreamExt;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let store = EventStore::new();
    /// store.append("account-7", vec![Deposited { amount: 1 }, Deposited { amount: 2 }]).await?;
    ///
    /// let newest_first = store.read_stream("account-7", StreamRange::backward())?;
    /// let amounts: Vec<u64> = newest_first.map_ok(|recorded| recorded.event.amount).try_collect().await?;
    /// assert_eq!(amounts, [2, 1]);
    /// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// At once, [`InvalidInput`](eventstore_api::InvalidInput) for what is no stream id. An item of the stream, as
    /// [`EventStore::get_events`]; the stream then ends.
    pub fn read_stream(&self, stream: impl IntoStreamId, range: StreamRange) -> Result<EventStream<E>> {
        let stream = stream.into_stream_id()?;
        let cursor = StreamCursor { stream, range, page: Vec::new().into_iter(), ended: false };
        Ok(self.events_of(cursor))
    }

    /// A part of all events, those of type `E`, read page by page as it is asked for. The stream ends with what was stored
    /// when it came to the end; [`EventStore::catch_up`] goes on.
    ///
    /// # Errors
    ///
    /// An item of the stream, as [`EventStore::get_events`]; the stream then ends.
    pub fn read_all(&self, query: ReadAll) -> EventStream<E> {
        let query = self.typed_query(query);
        self.events_of(AllCursor { query, page: Vec::new().into_iter(), ended: false })
    }

    fn events_of<C: Cursor<B> + 'static>(&self, cursor: C) -> EventStream<E> {
        let (backend, reader) = (Arc::clone(&self.backend), self.shared_reader());
        let start = (cursor, Parts::new().into_iter());
        Box::pin(stream::try_unfold(start, move |(mut cursor, mut parts)| {
            let (backend, reader) = (Arc::clone(&backend), Arc::clone(&reader));
            async move {
                loop {
                    if let Some(event) = parts.next() {
                        return Ok(Some((event, (cursor, parts))));
                    }
                    match cursor.next_record(&*backend).await? {
                        Some(record) => parts = reader.read(record)?.into_iter(),
                        None => return Ok(None),
                    }
                }
            }
        }))
    }

    /// The same query, for events of type `E` alone: the backend may hold others.
    fn typed_query(&self, query: ReadAll) -> ReadAll {
        let filter = self.reader.filter(&query.filter);
        query.filter(filter)
    }

    /// Hands out what is stored after a position page by page, and returns the position it came to.
    pub(super) async fn for_each_page(
        &self,
        filter: &EventFilter,
        after: GlobalPosition,
        mut handle: impl FnMut(Vec<RecordedEvent>) -> Result<()>,
    ) -> Result<GlobalPosition> {
        let mut query = self.typed_query(ReadAll::after(after).filter(filter.clone()));
        loop {
            // A store in memory answers at once, every time: other tasks want to run too.
            tokio::task::yield_now().await;
            let page = self.backend.read_all(&query).await?;
            query = query.next_page(&page);
            handle(page.events)?;
            if page.end_reached {
                return Ok(page.next);
            }
        }
    }
}

/// Where a paged read stands.
#[async_trait]
trait Cursor<B: EventStoreBackend>: Send {
    /// What is left of the page.
    fn page(&mut self) -> &mut std::vec::IntoIter<RecordedEvent>;

    fn has_ended(&self) -> bool;

    /// Reads the next page, where it has not ended.
    async fn fill(&mut self, backend: &B) -> Result<()>;

    async fn next_record(&mut self, backend: &B) -> Result<Option<RecordedEvent>> {
        while self.page().len() == 0 && !self.has_ended() {
            self.fill(backend).await?;
        }
        Ok(self.page().next())
    }
}

/// Where a paged read of one stream stands.
struct StreamCursor {
    stream: StreamId,
    /// What is still to be read.
    range: StreamRange,
    page: std::vec::IntoIter<RecordedEvent>,
    ended: bool,
}

#[async_trait]
impl<B: EventStoreBackend> Cursor<B> for StreamCursor {
    fn page(&mut self) -> &mut std::vec::IntoIter<RecordedEvent> {
        &mut self.page
    }

    fn has_ended(&self) -> bool {
        self.ended
    }

    async fn fill(&mut self, backend: &B) -> Result<()> {
        let wanted = self.range.limit.map_or(PAGE, |limit| limit.min(PAGE));
        let page = backend.read_stream(&self.stream, self.range.limit(wanted)).await?;
        self.range = self.range.next_page(&page);
        // The end of what was wanted is the end of the range, unless that goes on behind a limit of ours.
        let cut_off = page.events.len() == wanted && self.range.limit != Some(0);
        self.ended = page.end_reached && !cut_off;
        self.page = page.events.into_iter();
        Ok(())
    }
}

/// Where a paged read of everything stands.
struct AllCursor {
    query: ReadAll,
    page: std::vec::IntoIter<RecordedEvent>,
    ended: bool,
}

#[async_trait]
impl<B: EventStoreBackend> Cursor<B> for AllCursor {
    fn page(&mut self) -> &mut std::vec::IntoIter<RecordedEvent> {
        &mut self.page
    }

    fn has_ended(&self) -> bool {
        self.ended
    }

    async fn fill(&mut self, backend: &B) -> Result<()> {
        let page = backend.read_all(&self.query).await?;
        self.query = self.query.next_page(&page);
        self.ended = page.end_reached;
        self.page = page.events.into_iter();
        Ok(())
    }
}
