use std::{fmt, future::poll_fn, sync::Arc, task::Poll};

use crate::{EventFilter, EventStoreBackend, GlobalPosition, ReadAll, RecordedEvent, Result};

/// A catch-up subscription: every event after a position, once and in order, first from history and then as they
/// are stored, without a seam between the two.
///
/// It holds at most one page of events, however slow its reader is. It needs no task of its own: whoever calls
/// [`Subscription::next`] drives it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use eventstore_api::{
///     EventFilter, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, NewEvent, StreamId, Subscription,
/// };
/// use eventstore_memory::InMemoryBackend;
///
/// let store = Arc::new(InMemoryBackend::new());
/// let mut subscription = Subscription::new(store.clone(), GlobalPosition::START, EventFilter::all());
///
/// let events = vec![NewEvent::new(EventType::new("Opened")?, "")];
/// store.append(&StreamId::new("account-7")?, ExpectedVersion::Any, events).await?;
/// assert_eq!(subscription.next().await?.event_type.as_str(), "Opened");
/// # Ok::<(), eventstore_api::StoreError>(()) }).unwrap();
/// ```
pub struct Subscription<B: ?Sized> {
    query: ReadAll,
    buffered: std::vec::IntoIter<RecordedEvent>,
    /// Whether the last page came to the head, so that the next one is worth waiting for.
    at_head: bool,
    /// Everything up to here has been handed out, or did not pass the filter.
    position: GlobalPosition,
    backend: Arc<B>,
}

impl<B: EventStoreBackend + ?Sized> Subscription<B> {
    /// Subscribes to the events after this position that pass this filter.
    #[must_use]
    pub fn new(backend: Arc<B>, after: GlobalPosition, filter: EventFilter) -> Self {
        Self {
            query: ReadAll::after(after).filter(filter),
            buffered: Vec::new().into_iter(),
            at_head: false,
            position: after,
            backend,
        }
    }

    /// The same subscription, which reads and buffers at most this many events at a time; at least one.
    #[must_use]
    pub fn with_page_size(mut self, events: usize) -> Self {
        self.query.limit = events.max(1);
        self
    }

    /// The next event, as soon as there is one.
    ///
    /// Dropping the returned future loses nothing: the event comes with the next call.
    ///
    /// # Errors
    ///
    /// What reading the store answered. The subscription stays where it was and can be asked again.
    pub async fn next(&mut self) -> Result<RecordedEvent> {
        loop {
            if let Some(event) = self.next_buffered() {
                return Ok(event);
            }
            self.fill().await?;
        }
    }

    /// The next event if it lies in history; `None` once everything stored so far has been handed out.
    ///
    /// # Errors
    ///
    /// As [`Subscription::next`].
    pub async fn next_stored(&mut self) -> Result<Option<RecordedEvent>> {
        loop {
            if let Some(event) = self.next_buffered() {
                return Ok(Some(event));
            }
            // Read anew even where the last page came to the head: events may have been stored since.
            self.read_page().await?;
            if self.at_head && self.buffered.len() == 0 {
                return Ok(None);
            }
        }
    }

    /// The checkpoint: every event up to here has been handed out, or did not pass the filter. A new subscription
    /// after this position goes on where this one stands.
    #[must_use]
    pub fn position(&self) -> GlobalPosition {
        self.position
    }

    fn next_buffered(&mut self) -> Option<RecordedEvent> {
        let event = self.buffered.next()?;
        self.position = if self.buffered.len() == 0 { self.query.after } else { event.position };
        Some(event)
    }

    async fn fill(&mut self) -> Result<()> {
        if self.at_head {
            self.backend.wait_past(self.query.after).await?;
            self.at_head = false;
        }
        self.read_page().await
    }

    async fn read_page(&mut self) -> Result<()> {
        // A store in memory answers at once, every time: without this, catching up would keep its thread to itself.
        let_others_run().await;
        let page = self.backend.read_all(&self.query).await?;
        self.query.after = page.next;
        self.at_head = page.end_reached;
        if page.events.is_empty() {
            self.position = page.next;
        }
        self.buffered = page.events.into_iter();
        Ok(())
    }
}

impl<B: ?Sized> fmt::Debug for Subscription<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("position", &self.position)
            .field("buffered", &self.buffered.len())
            .finish_non_exhaustive()
    }
}

/// Gives way once, on any runtime.
async fn let_others_run() {
    let mut gave_way = false;
    poll_fn(|context| {
        if std::mem::replace(&mut gave_way, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
