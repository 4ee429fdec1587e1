use eventstore_api::{
    Criterion, Direction, EventFilter, EventStoreBackend, EventType, GlobalPosition, IntoStreamId, ReadAll,
    RecordedEvent, StreamId, StreamRange, Version,
};
use futures_core::Stream;
use futures_util::stream;

use super::EventStore;
use crate::{Event, Projection, Recorded, Result, event::stored_names, payload};

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
        let mut events = Vec::new();
        let position = self
            .for_each_page(filter, GlobalPosition::START, |page| {
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
    pub fn read_stream<S: IntoStreamId>(
        &self,
        stream: S,
        range: StreamRange,
    ) -> Result<impl Stream<Item = Result<Recorded<E>>> + Send + use<'_, E, B, S>> {
        let stream = stream.into_stream_id()?;
        let start = StreamCursor { stream, range, page: Vec::new().into_iter(), ended: false };
        Ok(Box::pin(stream::try_unfold(start, move |mut cursor| async move {
            if cursor.page.len() == 0 && !cursor.ended {
                cursor.fill(&*self.backend).await?;
            }
            match cursor.page.next() {
                Some(record) => Ok(Some((to_recorded(record)?, cursor))),
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
    pub fn read_all(&self, query: ReadAll) -> impl Stream<Item = Result<Recorded<E>>> + Send + use<'_, E, B> {
        let query = typed_query::<E>(query);
        let start = (query, Vec::new().into_iter(), false);
        Box::pin(stream::try_unfold(start, move |(mut query, mut page, mut ended)| async move {
            loop {
                if let Some(record) = page.next() {
                    return Ok(Some((to_recorded(record)?, (query, page, ended))));
                }
                if ended {
                    return Ok(None);
                }
                let read = self.backend.read_all(&query).await?;
                query = query.next_page(&read);
                ended = read.end_reached;
                page = read.events.into_iter();
            }
        }))
    }

    /// Brings a projection up to date: applies every event of its type after a position, and returns the position up
    /// to which it is built then, from where the next call goes on.
    ///
    /// # Errors
    ///
    /// As [`EventStore::get_events`]. Events before the one that could not be read have been applied.
    pub async fn project<P: Projection<Event = E>>(
        &self,
        projection: &mut P,
        after: GlobalPosition,
    ) -> Result<GlobalPosition> {
        self.for_each_page(&EventFilter::all(), after, |page| {
            for record in page {
                projection.apply(&payload::from_recorded(&record)?);
            }
            Ok(())
        })
        .await
    }

    /// Hands out what is stored after a position page by page, and returns the position it came to.
    async fn for_each_page(
        &self,
        filter: &EventFilter,
        after: GlobalPosition,
        mut handle: impl FnMut(Vec<RecordedEvent>) -> Result<()>,
    ) -> Result<GlobalPosition> {
        let mut query = typed_query::<E>(ReadAll::after(after).filter(filter.clone()));
        loop {
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
        let records = match wanted {
            0 => Vec::new(),
            _ => backend.read_stream(&self.stream, self.range.limit(wanted)).await?,
        };
        self.ended = records.len() < wanted || wanted == 0;
        self.range.limit = self.range.limit.map(|limit| limit - records.len());
        if let Some(last) = records.last() {
            self.range.after = last.version;
            // A read backward never gets below the first version.
            self.ended |= self.range.direction == Direction::Backward && last.version == Version::new(1);
        }
        self.page = records.into_iter();
        Ok(())
    }
}

pub(super) fn to_recorded<E: Event>(record: RecordedEvent) -> Result<Recorded<E>> {
    Ok(Recorded::new(payload::from_recorded(&record)?, record))
}

/// The same query, for events of type `E` alone: the backend may hold others.
fn typed_query<E: Event>(query: ReadAll) -> ReadAll {
    let filter = typed_filter::<E>(&query.filter);
    query.filter(filter)
}

/// The same filter, for events of type `E` alone.
pub(super) fn typed_filter<E: Event>(filter: &EventFilter) -> EventFilter {
    // A name that is no legal event type cannot have been stored.
    let types: Vec<_> =
        stored_names::<E>().into_iter().filter_map(|name| EventType::new(name).ok()).collect();
    if filter.is_all() {
        return EventFilter::types(types);
    }
    let criteria: Vec<_> =
        filter.criteria().iter().filter_map(|criterion| typed_criterion(criterion, &types)).collect();
    if criteria.is_empty() {
        return EventFilter::stream_prefix(NO_STREAM);
    }
    EventFilter::any_of(criteria)
}

/// What no legal stream id starts with. A filter without criteria would let everything pass.
const NO_STREAM: &str = "\u{1}";

/// The same criterion, for these types alone; none where it asks for others only.
fn typed_criterion(criterion: &Criterion, types: &[EventType]) -> Option<Criterion> {
    let mut typed = criterion.clone();
    if criterion.event_types.is_empty() {
        return Some(typed.types(types.iter().cloned()));
    }
    typed.event_types.retain(|event_type| types.contains(event_type));
    (!typed.event_types.is_empty()).then_some(typed)
}
