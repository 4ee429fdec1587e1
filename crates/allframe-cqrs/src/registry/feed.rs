use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use eventstore_api::{EventFilter, EventStoreBackend, GlobalPosition, ReadAll, RecordedEvent};

use crate::{
    Error, Event, Recorded, Result,
    versioning::{EventReader, Parts},
};

/// The events of one type, read and decoded once for all projections that stand close to each other.
///
/// Each asks for what lies after its own position. The pages read last are held, so that of ten projections which follow the
/// same log one reads and nine share; one that lags far behind reads for itself. Nobody waits for a slower one.
pub(super) struct Feed<E> {
    backend: Arc<dyn EventStoreBackend>,
    reader: Arc<EventReader<E>>,
    filter: EventFilter,
    held: Mutex<VecDeque<Arc<Page<E>>>>,
    /// One reads at a time: whoever waited finds what he wanted among the pages, mostly.
    reading: tokio::sync::Mutex<()>,
}

/// How many pages are held. With `PAGE_BYTES` they take 16 MiB of payloads at most.
const PAGES_HELD: usize = 16;
const PAGE_EVENTS: usize = 1_024;
const PAGE_BYTES: usize = 1 << 20;

/// All events of the type after one position, up to another.
struct Page<E> {
    after: GlobalPosition,
    next: GlobalPosition,
    entries: Vec<Entry<E>>,
}

/// A record as the events that it reads as, one as a rule, or why it cannot be read.
#[derive(Debug)]
pub(super) struct Entry<E> {
    pub(super) position: GlobalPosition,
    content: Result<Parts<Recorded<E>>>,
}

/// The end of a page, from where it was asked for.
pub(super) struct Part<E> {
    page: Arc<Page<E>>,
    from: usize,
}

impl<E> Part<E> {
    pub(super) fn entries(&self) -> &[Entry<E>] {
        self.page.entries.get(self.from..).unwrap_or_default()
    }

    /// Behind the part: every event of the type up to here was before it or is in it.
    pub(super) fn next(&self) -> GlobalPosition {
        self.page.next
    }
}

impl<E: Event> Feed<E> {
    pub(super) fn new(backend: Arc<dyn EventStoreBackend>, reader: Arc<EventReader<E>>) -> Self {
        Self {
            filter: reader.filter(&EventFilter::all()),
            backend,
            reader,
            held: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn backend(&self) -> &Arc<dyn EventStoreBackend> {
        &self.backend
    }

    /// What makes events of records.
    pub(super) fn reader(&self) -> &Arc<EventReader<E>> {
        &self.reader
    }

    /// What lies after a position; nothing where that is the end of the log, as it was then.
    ///
    /// Dropping the future early loses nothing.
    pub(super) async fn after(&self, position: GlobalPosition) -> Result<Option<Part<E>>> {
        // A store in memory answers at once, every time: other tasks want to run too.
        tokio::task::yield_now().await;
        if let Some(part) = self.held_after(position) {
            return Ok(Some(part));
        }
        let _reading = self.reading.lock().await;
        if let Some(part) = self.held_after(position) {
            return Ok(Some(part));
        }
        let Some(page) = self.read(position).await? else { return Ok(None) };
        let page = Arc::new(page);
        if !page.entries.is_empty() {
            let mut held = self.held();
            held.push_front(Arc::clone(&page));
            held.truncate(PAGES_HELD);
        }
        Ok(Some(Part { page, from: 0 }))
    }

    /// The same, read for one reader alone, whose place in the log is nobody else's.
    pub(super) async fn after_alone(&self, position: GlobalPosition) -> Result<Option<Part<E>>> {
        tokio::task::yield_now().await;
        Ok(self.read(position).await?.map(|page| Part { page: Arc::new(page), from: 0 }))
    }

    /// The records after a position, and where they end, for whoever decodes them elsewhere; nothing at the end of the log.
    pub(super) async fn records_after(
        &self,
        position: GlobalPosition,
    ) -> Result<Option<(Vec<RecordedEvent>, GlobalPosition)>> {
        let query = ReadAll::after(position).limit(PAGE_EVENTS).max_bytes(PAGE_BYTES);
        let page = self.backend.read_all(&query.filter(self.filter.clone())).await?;
        Ok((page.next > position).then_some((page.events, page.next)))
    }

    async fn read(&self, position: GlobalPosition) -> Result<Option<Page<E>>> {
        let Some((records, next)) = self.records_after(position).await? else { return Ok(None) };
        let entries = records.into_iter().map(|record| Entry::of(record, &self.reader)).collect();
        Ok(Some(Page { after: position, next, entries }))
    }

    fn held_after(&self, position: GlobalPosition) -> Option<Part<E>> {
        let held = self.held();
        let page = held.iter().find(|page| page.after <= position && position < page.next)?;
        let from = page.entries.partition_point(|entry| entry.position <= position);
        Some(Part { page: Arc::clone(page), from })
    }

    fn held(&self) -> MutexGuard<'_, VecDeque<Arc<Page<E>>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Event> Entry<E> {
    pub(super) fn of(record: RecordedEvent, reader: &EventReader<E>) -> Self {
        Self { position: record.position, content: reader.read(record) }
    }

    /// Why it cannot be read, if so.
    pub(super) fn readable(&self) -> Result<&[Recorded<E>], Error> {
        self.content.as_deref().map_err(Clone::clone)
    }

    /// Its first event, if it can be read and is one.
    pub(super) fn first(&self) -> Option<&Recorded<E>> {
        self.content.as_ref().ok()?.first()
    }
}
