use std::{collections::VecDeque, fmt};

use crate::{EventStoreBackend, Result, StreamId, limits::MAX_STREAM_ID_BYTES};

/// How many names are asked for, and in memory, at a time: as many as are 4 MiB of text at most. A store that keeps them in no order
/// looks at all of them for each page.
const PAGE: usize = (4 << 20) / MAX_STREAM_ID_BYTES;

/// The streams of a store that have a snapshot, one after the other in the order of their names' bytes, however many there are.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use eventstore_api::{EventStoreBackend, EventType, Snapshot, SnapshotStreams, StreamId, Version};
/// use eventstore_memory::InMemoryBackend;
///
/// let store = InMemoryBackend::new();
/// for name in ["order-2", "account-7", "order-1"] {
///     let stream = StreamId::new(name)?;
///     store.save_snapshot(Snapshot::new(stream, Version::new(1), EventType::new("State")?, "")).await?;
/// }
/// let mut streams = SnapshotStreams::behind(&store, Some(StreamId::new("order-")?));
/// assert_eq!(streams.next().await?, Some(StreamId::new("order-1")?));
/// assert_eq!(streams.next().await?, Some(StreamId::new("order-2")?));
/// assert_eq!(streams.next().await?, None);
/// # Ok::<(), eventstore_api::StoreError>(()) }).unwrap();
/// ```
pub struct SnapshotStreams<'s> {
    store: &'s dyn EventStoreBackend,
    ahead: VecDeque<StreamId>,
    last: Option<StreamId>,
    /// Whether nothing lies behind those ahead.
    is_whole: bool,
}

impl<'s> SnapshotStreams<'s> {
    /// All of them.
    #[must_use]
    pub fn of(store: &'s dyn EventStoreBackend) -> Self {
        Self::behind(store, None)
    }

    /// Those whose names come behind this one, which need not be there.
    #[must_use]
    pub fn behind(store: &'s dyn EventStoreBackend, last: Option<StreamId>) -> Self {
        Self { store, ahead: VecDeque::new(), last, is_whole: false }
    }

    /// The next one; `None` behind the last.
    ///
    /// Dropping the returned future loses nothing: the stream comes with the next call.
    ///
    /// # Errors
    ///
    /// What reading the store answered. It can be asked again.
    pub async fn next(&mut self) -> Result<Option<StreamId>> {
        if self.ahead.is_empty() && !self.is_whole {
            let page = self.store.list_snapshots(self.last.as_ref(), PAGE).await?;
            self.is_whole = page.len() < PAGE;
            self.last = page.last().cloned();
            self.ahead.extend(page);
        }
        Ok(self.ahead.pop_front())
    }

    /// Whether it is known that no more will come.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_whole && self.ahead.is_empty()
    }
}

impl fmt::Debug for SnapshotStreams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotStreams").field("last", &self.last).finish_non_exhaustive()
    }
}
