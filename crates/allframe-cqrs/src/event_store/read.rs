use std::sync::Arc;

use eventstore_api::{
    Criterion, EventFilter, EventStoreBackend, EventType, GlobalPosition, IntoStreamId, ReadAll,
    RecordedEvent, StreamId, StreamRange, Version,
};
use futures_core::stream::BoxStream;
use futures_util::stream;

use super::EventStore;
use crate::{Event, Recorded, Result, event::stored_names, payload};

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
        records.iter().map(payload::from_recorded).collect()
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
            for record in page {
                events.push(payload::from_recorded(&record)?);
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
                    events.push(to_recorded(record)?);
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
        let start = StreamCursor { stream, range, page: Vec::new().into_iter(), ended: false };
        let backend = Arc::clone(&self.backend);
        Ok(Box::pin(stream::try_unfold((backend, start), |(backend, mut cursor)| async move {
            while cursor.page.len() == 0 && !cursor.ended {
                cursor.fill(&*backend).await?;
            }
            match cursor.page.next() {
                Some(record) => Ok(Some((to_recorded(record)?, (backend, cursor)))),
                None => Ok(None),
            }
        })))
    }

    /// A part of all events, those of type `E`, read page by page as it is asked for. The stream ends with what was stored
    /// when it came to the end; [`EventStore::catch_up`] goes on.
    ///
    /// # Errors
    ///
    /// An item of the stream, as [`EventStore::get_events`]; the stream then ends.
    pub fn read_all(&self, query: ReadAll) -> EventStream<E> {
        let start = AllCursor { query: typed_query::<E>(query), page: Vec::new().into_iter(), ended: false };
        let backend = Arc::clone(&self.backend);
        Box::pin(stream::try_unfold((backend, start), |(backend, mut cursor)| async move {
            loop {
                if let Some(record) = cursor.page.next() {
                    return Ok(Some((to_recorded(record)?, (backend, cursor))));
                }
                if cursor.ended {
                    return Ok(None);
                }
                cursor.fill(&*backend).await?;
            }
        }))
    }

    /// Hands out what is stored after a position page by page, and returns the position it came to.
    pub(super) async fn for_each_page(
        &self,
        filter: &EventFilter,
        after: GlobalPosition,
        mut handle: impl FnMut(Vec<RecordedEvent>) -> Result<()>,
    ) -> Result<GlobalPosition> {
        let mut query = typed_query::<E>(ReadAll::after(after).filter(filter.clone()));
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

/// Where a paged read of one stream stands.
struct StreamCursor {
    stream: StreamId,
    /// What is still to be read.
    range: StreamRange,
    page: std::vec::IntoIter<RecordedEvent>,
    ended: bool,
}

impl StreamCursor {
    async fn fill<B: EventStoreBackend>(&mut self, backend: &B) -> Result<()> {
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

impl AllCursor {
    async fn fill<B: EventStoreBackend>(&mut self, backend: &B) -> Result<()> {
        let page = backend.read_all(&self.query).await?;
        self.query = self.query.next_page(&page);
        self.ended = page.end_reached;
        self.page = page.events.into_iter();
        Ok(())
    }
}

pub(crate) fn to_recorded<E: Event>(record: RecordedEvent) -> Result<Recorded<E>> {
    Ok(Recorded::new(payload::from_recorded(&record)?, record))
}

/// The same query, for events of type `E` alone: the backend may hold others.
fn typed_query<E: Event>(query: ReadAll) -> ReadAll {
    let filter = typed_filter::<E>(&query.filter);
    query.filter(filter)
}

/// The same filter, for events of type `E` alone.
pub(crate) fn typed_filter<E: Event>(filter: &EventFilter) -> EventFilter {
    // A name that is no legal event type cannot have been stored.
    let types: Vec<_> =
        stored_names::<E>().into_iter().filter_map(|name| EventType::new(name).ok()).collect();
    match filter.criteria() {
        None => EventFilter::types(types),
        Some(criteria) => {
            EventFilter::any_of(criteria.iter().map(|criterion| typed_criterion(criterion, &types)))
        }
    }
}

/// The same criterion, for these types alone; no event meets it where it asks for others only.
fn typed_criterion(criterion: &Criterion, types: &[EventType]) -> Criterion {
    let wanted = |event_type: &&EventType| {
        criterion.event_types.as_ref().is_none_or(|asked_for| asked_for.contains(*event_type))
    };
    criterion.clone().types(types.iter().filter(wanted).cloned())
}
