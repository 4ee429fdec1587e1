//! Stores with which something is not as it should be.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use eventstore_api::{
    Direction, EventStoreBackend, GlobalPosition, Page, ReadAll, RecordedEvent, Result, StoreError,
};
use eventstore_conformance::intercept::{Intercepted, Interceptor};
use eventstore_memory::InMemoryBackend;
use tokio::sync::Notify;

/// The store in memory, whose pages are changed on their way, and some of whose answers are lost.
pub(crate) struct Faulty {
    inner: Mutex<InMemoryBackend>,
    on_its_way: Box<dyn Fn(Page) -> Page + Send + Sync>,
    /// Of three answers to whoever restores, two are lost.
    loses_answers: bool,
    forgets: Option<Forgets>,
    answers: AtomicU64,
    acknowledged: AtomicU64,
    walked_over: AtomicU64,
    flushes: AtomicU64,
    /// Whom this flush tells that it is under way, and what it waits for then.
    waits: Option<(Flush, Arc<Notify>, Arc<Notify>)>,
}

/// The flushes of a store to which another one is switched that fits on a page.
#[derive(Clone, Copy)]
pub(crate) enum Flush {
    /// Once everything is brought, while appends go on.
    OfThePage = 0,
    OfTheLastMoment = 1,
}

/// That so many of the last events are gone once, when whoever restores comes for the fourth time.
struct Forgets {
    events: usize,
    has_forgotten: Arc<AtomicBool>,
}

impl Faulty {
    fn new(inner: &InMemoryBackend, on_its_way: impl Fn(Page) -> Page + Send + Sync + 'static) -> Self {
        Self {
            inner: Mutex::new(inner.clone()),
            on_its_way: Box::new(on_its_way),
            loses_answers: false,
            forgets: None,
            answers: AtomicU64::default(),
            acknowledged: AtomicU64::default(),
            walked_over: AtomicU64::default(),
            flushes: AtomicU64::default(),
            waits: None,
        }
    }

    /// Without the events of these positions.
    pub(crate) fn with_holes(inner: &InMemoryBackend, gone: RangeInclusive<u64>) -> Intercepted<Self> {
        Intercepted(Self::new(inner, move |mut page| {
            page.events.retain(|event| !gone.contains(&event.position.get()));
            page
        }))
    }

    /// Whose event of this position has another payload.
    pub(crate) fn changed_at(inner: &InMemoryBackend, position: u64) -> Intercepted<Self> {
        Intercepted(Self::new(inner, move |page| changed(page, position)))
    }

    /// Which has lost so many of its last events at once, as a server that takes the place of another may.
    pub(crate) fn that_forgets(inner: &InMemoryBackend, events: usize) -> Intercepted<Self> {
        let forgets = Some(Forgets { events, has_forgotten: Arc::default() });
        Intercepted(Self { forgets, ..Self::new(inner, |page| page) })
    }

    /// The same; and from then on the event of this position has another payload.
    pub(crate) fn that_forgets_and_changes(
        inner: &InMemoryBackend,
        events: usize,
        position: u64,
    ) -> Intercepted<Self> {
        let has_forgotten = Arc::new(AtomicBool::new(false));
        let on_its_way = {
            let has_forgotten = Arc::clone(&has_forgotten);
            move |page| if has_forgotten.load(Ordering::Relaxed) { changed(page, position) } else { page }
        };
        Intercepted(Self { forgets: Some(Forgets { events, has_forgotten }), ..Self::new(inner, on_its_way) })
    }

    /// Which stores what is restored and does not say so, or does not store it and does not say so, or does both, in turn.
    pub(crate) fn that_loses_answers(inner: &InMemoryBackend) -> Intercepted<Self> {
        Intercepted(Self { loses_answers: true, ..Self::new(inner, |page| page) })
    }

    /// Which tells the one that this flush of it is under way, and waits for the other before it has flushed.
    pub(crate) fn that_waits_in(
        flush: Flush,
        inner: &InMemoryBackend,
        begun: &Arc<Notify>,
        go_on: &Arc<Notify>,
    ) -> Intercepted<Self> {
        let waits = Some((flush, Arc::clone(begun), Arc::clone(go_on)));
        Intercepted(Self { waits, ..Self::new(inner, |page| page) })
    }

    /// As a server that takes the place of another one and had got nothing of it yet.
    pub(crate) fn lose_everything(&self) {
        *self.inner.lock().unwrap() = InMemoryBackend::new();
    }

    /// How many events it has said that it has restored.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// How many events were read from it from old to new: not by who looks for the last one.
    pub(crate) fn walked_over(&self) -> u64 {
        self.walked_over.load(Ordering::Relaxed)
    }

    fn inner(&self) -> InMemoryBackend {
        self.inner.lock().unwrap().clone()
    }

    /// So many of its last events, and every snapshot.
    pub(crate) async fn forget(&self, events: usize) {
        let mut all = self.inner().get_all_events().await.unwrap();
        all.truncate(all.len() - events);
        let left = InMemoryBackend::new();
        left.restore(all).await.unwrap();
        *self.inner.lock().unwrap() = left;
    }
}

fn changed(mut page: Page, position: u64) -> Page {
    for event in &mut page.events {
        if event.position == GlobalPosition::new(position) {
            event.payload = "changed".into();
        }
    }
    page
}

#[async_trait]
impl Interceptor for Faulty {
    fn store(&self) -> impl EventStoreBackend {
        self.inner()
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        let page = self.inner().read_all(query).await.map(&self.on_its_way)?;
        if query.direction == Direction::Forward {
            self.walked_over.fetch_add(page.events.len() as u64, Ordering::Relaxed);
        }
        Ok(page)
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        let (number, count) = (self.answers.fetch_add(1, Ordering::Relaxed), events.len() as u64);
        if let Some(Forgets { events, has_forgotten }) = self.forgets.as_ref().filter(|_| number == 3) {
            self.forget(*events).await;
            has_forgotten.store(true, Ordering::Relaxed);
        }
        match number % 3 {
            0 if self.loses_answers => {
                self.inner().restore(events).await?;
                return Err(StoreError::outcome_unknown("the line went dead behind the commit"));
            }
            1 if self.loses_answers => {
                return Err(StoreError::outcome_unknown("the line went dead before the commit"));
            }
            _ => self.inner().restore(events).await?,
        }
        self.acknowledged.fetch_add(count, Ordering::Relaxed);
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        let number = self.flushes.fetch_add(1, Ordering::Relaxed);
        if let Some((_, begun, go_on)) = self.waits.as_ref().filter(|(flush, ..)| *flush as u64 == number) {
            begun.notify_one();
            go_on.notified().await;
        }
        // A flush of a real store takes its time.
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Where the store ends, also where that event is gone.
    async fn head(&self) -> Result<GlobalPosition> {
        self.inner().head().await
    }
}
