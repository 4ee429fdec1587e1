use std::{pin::Pin, sync::Arc};

use async_trait::async_trait;

use crate::{
    AppendBatch, Appended, BackendStats, ExpectedVersion, GlobalPosition, NewEvent, Page, ReadAll,
    RecordedEvent, Result, Snapshot, StreamId, StreamPage, StreamRange, Version,
};

/// An event store: an append-only log of events, each in a stream, all in one order.
///
/// Backends store bytes, not Rust types. One backend serves any number of event types, tools can open any store,
/// and events can move from one to another. The trait is object-safe, and `Arc<dyn EventStoreBackend>` is itself a
/// backend, so that an application can choose its store at run time.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StoreError, StreamId};
/// use eventstore_memory::InMemoryBackend;
///
/// let store: Arc<dyn EventStoreBackend> = Arc::new(InMemoryBackend::new());
/// let account = StreamId::new("account-7")?;
/// let opened = || vec![NewEvent::new(EventType::new("Opened").unwrap(), "ann")];
///
/// store.append(&account, ExpectedVersion::NoStream, opened()).await?;
/// let again = store.append(&account, ExpectedVersion::NoStream, opened()).await;
/// assert!(matches!(again, Err(StoreError::WrongExpectedVersion { .. })));
/// assert_eq!(store.get_events(&account).await?.len(), 1);
/// # Ok::<(), StoreError>(()) }).unwrap();
/// ```
///
/// # What every backend keeps
///
/// The laws in `docs/guarantees.md`, each with its cases in `eventstore-conformance`. In short: an append is
/// entirely there or not at all; versions are dense; of concurrent appends under the same exact guard one wins;
/// positions strictly increase and nothing appears later at or before a position that a reader has seen; what was
/// acknowledged stays; after `Ok` every reader sees it.
///
/// # Retry
///
/// An append is a *retry* when every event in it is stored already: each under its id in its stream, with the same
/// content, and those of one stream next to each other in the same order. A retry stores nothing and answers what the
/// first append answered, whatever its guards and condition say now. When only some events are stored, or one has other
/// content, the answer is [`InvalidInput`](crate::InvalidInput). An id is unique in its stream: another stream may
/// hold the same one.
///
/// # Cancellation
///
/// Any future may be dropped at any time. A dropped append has happened wholly or not at all.
#[async_trait]
pub trait EventStoreBackend: Send + Sync + 'static {
    /// Appends to one or several streams, all or nothing, if every guard and the condition hold. The outcomes stand in
    /// the order of [`AppendBatch::appends`].
    ///
    /// Guards are checked before the condition, in the order in which they stand, those of the appends first.
    ///
    /// # Errors
    ///
    /// - [`StoreError::InvalidInput`](crate::StoreError::InvalidInput) when the batch does not [validate](AppendBatch::validate), or reuses event ids.
    /// - [`StoreError::WrongExpectedVersion`](crate::StoreError::WrongExpectedVersion) when a guard does not hold.
    /// - [`StoreError::ConditionFailed`](crate::StoreError::ConditionFailed) when an event that the condition excludes is stored.
    /// - [`StoreError::OutcomeUnknown`](crate::StoreError::OutcomeUnknown) when the connection or the disk failed at the wrong moment.
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>>;

    /// Reads a page of a part of a stream, from its beginning. A stream without events reads as empty.
    ///
    /// Takes as much memory as the page, which [`StreamRange::max_bytes`] bounds.
    ///
    /// # Errors
    ///
    /// What kept the store from reading.
    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage>;

    /// Reads a page of the order of all events.
    ///
    /// Takes as much memory as the page, which [`ReadAll::limit`] and [`ReadAll::max_bytes`] bound.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidInput`](crate::StoreError::InvalidInput) for a limit of zero, or what kept the store from reading.
    async fn read_all(&self, query: &ReadAll) -> Result<Page>;

    /// Waits until an event lies after this position, and returns the position of the last event then.
    ///
    /// Waits for ever if none comes; dropping the future early loses nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`](crate::StoreError::Closed) when the store closes meanwhile, or what kept it from waiting.
    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition>;

    /// Keeps a snapshot, unless a later one of the same stream is there.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidInput`](crate::StoreError::InvalidInput) when it does not [validate](Snapshot::validate), or what kept the store from writing.
    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()>;

    /// The latest snapshot of a stream.
    ///
    /// # Errors
    ///
    /// What kept the store from reading.
    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>>;

    /// The streams that have a snapshot, in the order of their names' bytes: those behind `after`, at most so many. Fewer than
    /// that are the last.
    ///
    /// Takes as much memory as the names. A snapshot that is saved meanwhile may be among them or not.
    ///
    /// # Errors
    ///
    /// [`InvalidInput::ZeroLimit`](crate::InvalidInput::ZeroLimit) for a limit of zero, or what kept the store from reading.
    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>>;

    /// Stores events of another store as they are there: with their ids, versions, positions and times. So a store becomes
    /// the copy of another, for which every version, position and checkpoint that anybody has kept is as good as before.
    ///
    /// They are to be what comes next: the first at the position that this store gives out next, each with the version that is
    /// next in its stream, and none recorded before the last event. Whoever restores reads the other store from this one's
    /// [head](Self::head) on. What is appended afterwards goes on from there, and retries of what was restored are known.
    ///
    /// When it fails, a beginning of these events may be stored, and the rest not: the head says how far it came.
    ///
    /// # Errors
    ///
    /// - [`StoreError::InvalidInput`](crate::StoreError::InvalidInput) when the events do not follow on one another or on what
    ///   is stored ([`PositionNotNext`](crate::InvalidInput::PositionNotNext),
    ///   [`TimeRunsBackwards`](crate::InvalidInput::TimeRunsBackwards), [`VersionNotNext`](crate::InvalidInput::VersionNotNext)),
    ///   and [`StoreError::WrongExpectedVersion`](crate::StoreError::WrongExpectedVersion) when a stream is at another version.
    /// - [`StoreError::OutcomeUnknown`](crate::StoreError::OutcomeUnknown) when the connection or the disk failed at the wrong moment.
    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()>;

    /// How much the store holds.
    ///
    /// # Errors
    ///
    /// What kept the store from counting.
    async fn stats(&self) -> Result<BackendStats>;

    /// Appends events to one stream, all or nothing.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::append_all`].
    async fn append(
        &self,
        stream: &StreamId,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> Result<Appended> {
        let outcomes = self.append_all(AppendBatch::single(stream.clone(), expected, events)).await?;
        Appended::only(outcomes)
    }

    /// All events of a stream, from the first, in one list.
    ///
    /// Takes as much memory as the stream: one that may be long is better read page by page.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::read_stream`].
    async fn get_events(&self, stream: &StreamId) -> Result<Vec<RecordedEvent>> {
        self.get_events_after(stream, Version::NONE).await
    }

    /// The events of a stream with a greater version than this, in one list.
    ///
    /// Takes as much memory as these events.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::read_stream`].
    async fn get_events_after(&self, stream: &StreamId, version: Version) -> Result<Vec<RecordedEvent>> {
        let mut range = StreamRange::after(version);
        let StreamPage { mut events, mut end_reached } = self.read_stream(stream, range).await?;
        while !end_reached {
            range.after = events.last().map_or(range.after, |last| last.version);
            let next = self.read_stream(stream, range).await?;
            events.extend(next.events);
            end_reached = next.end_reached;
        }
        Ok(events)
    }

    /// All events of the store in one list. For small stores: others read page by page.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::read_all`].
    async fn get_all_events(&self) -> Result<Vec<RecordedEvent>> {
        let mut events = Vec::new();
        let mut query = ReadAll::forward();
        loop {
            let page = self.read_all(&query).await?;
            query = query.next_page(&page);
            let end_reached = page.end_reached;
            events.extend(page.events);
            if end_reached {
                return Ok(events);
            }
        }
    }

    /// The position of the last event; [`GlobalPosition::START`] where there is none.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::read_all`].
    async fn head(&self) -> Result<GlobalPosition> {
        let page = self.read_all(&ReadAll::backward().limit(1)).await?;
        Ok(page.events.first().map_or(GlobalPosition::START, |event| event.position))
    }

    /// Makes everything acknowledged durable. With a backend's default durability it is so already.
    ///
    /// Dropping the future early leaves some of it undone at most.
    ///
    /// # Errors
    ///
    /// What kept the store from writing.
    async fn flush(&self) -> Result<()> {
        Ok(())
    }

    /// Flushes, and gives up what the store holds (files, locks, connections) as far as that can be done before the last
    /// handle is dropped. Afterwards every call may answer [`StoreError::Closed`](crate::StoreError::Closed). Closing twice does nothing more.
    ///
    /// It takes as long as what the backend has put off until then, of which its own documentation tells.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::flush`].
    async fn close(&self) -> Result<()> {
        self.flush().await
    }
}

/// Writes out what `async_trait` makes of an `async fn`, so that a call hands out the future of the backend behind the `Arc`; with
/// `async_trait` it would be a second boxed future around that one.
///
/// The lifetimes have to be those of its expansion: `'s` is that of `self`, `$life` that of the one borrowed argument that a method may
/// have, `'f` that of the future. A provided method that is missing below is not passed on; `tests/shared_backend.rs` calls all of them.
macro_rules! pass_on {
    ($($name:ident $(<$life:lifetime>)? ($($argument:ident: $type:ty),*) -> $ok:ty;)*) => {$(
        fn $name<'s, $($life,)? 'f>(
            &'s self,
            $($argument: $type),*
        ) -> Pin<Box<dyn Future<Output = Result<$ok>> + Send + 'f>>
        where
            's: 'f,
            $($life: 'f,)?
            Self: 'f,
        {
            (**self).$name($($argument),*)
        }
    )*};
}

/// A shared backend is a backend, also behind `dyn`. Every method is passed on, so that one which the backend does
/// better than the provided way is not lost.
impl<B: EventStoreBackend + ?Sized> EventStoreBackend for Arc<B> {
    pass_on! {
        append_all(batch: AppendBatch) -> Vec<Appended>;
        read_stream<'a>(stream: &'a StreamId, range: StreamRange) -> StreamPage;
        read_all<'a>(query: &'a ReadAll) -> Page;
        wait_past(position: GlobalPosition) -> GlobalPosition;
        save_snapshot(snapshot: Snapshot) -> ();
        get_latest_snapshot<'a>(stream: &'a StreamId) -> Option<Snapshot>;
        list_snapshots<'a>(after: Option<&'a StreamId>, limit: usize) -> Vec<StreamId>;
        restore(events: Vec<RecordedEvent>) -> ();
        stats() -> BackendStats;
        append<'a>(stream: &'a StreamId, expected: ExpectedVersion, events: Vec<NewEvent>) -> Appended;
        get_events<'a>(stream: &'a StreamId) -> Vec<RecordedEvent>;
        get_events_after<'a>(stream: &'a StreamId, version: Version) -> Vec<RecordedEvent>;
        get_all_events() -> Vec<RecordedEvent>;
        head() -> GlobalPosition;
        flush() -> ();
        close() -> ();
    }
}
