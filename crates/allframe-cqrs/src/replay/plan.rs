use std::{future::Future, time::Duration};

use eventstore_api::{EventFilter, EventStoreBackend, GlobalPosition};
use tokio::runtime::Handle;

use super::{
    Replay, ReplayControl, ReplaySpeed,
    pace::Pace,
    progress::ProgressReport,
    run::Run,
    target::{IntoHandler, IntoProjection, ReplayTarget},
};
use crate::{ApplyContext, ApplyError, AsOf, Error, Event, EventStore, Projection, Recorded, Result};

/// What is to be replayed, and how fast: all events of type `E` that are stored when it begins, as fast as possible, unless
/// said otherwise.
///
/// ```
/// # use allframe_cqrs::{event, Projection};
/// # #[event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Deposited { amount: u64 }
/// # #[derive(Default)]
/// # struct Turnover { total: u64 }
/// # impl Projection for Turnover {
/// #     type Event = Deposited;
/// #     fn apply(&mut self, event: &Deposited) { self.total += event.amount }
/// # }
/// use allframe_cqrs::{EventFilter, EventStore, ReplaySpeed};
/// use std::time::Duration;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let store = EventStore::new();
/// let first = store.append("account-7", vec![Deposited { amount: 1 }]).await?;
/// store.append("account-7", vec![Deposited { amount: 2 }]).await?;
/// let third = store.append("account-7", vec![Deposited { amount: 4 }]).await?;
/// store.append("account-7", vec![Deposited { amount: 8 }]).await?;
///
/// let replay = store
///     .replay()
///     .after(first.last_position)
///     .until(third.last_position)
///     .filter(EventFilter::stream_prefix("account-"))
///     .speed(ReplaySpeed::original_times(1_000.0)?)
///     .max_gap(Duration::from_millis(10))
///     .into_projection(Turnover::default())?;
/// let replayed = replay.await.unwrap();
/// assert_eq!((replayed.state.total, replayed.events), (2 + 4, 2));
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "a plan does nothing until it is given a projection or a handler"]
pub struct ReplayPlan<E, B> {
    store: EventStore<E, B>,
    after: GlobalPosition,
    until: Option<AsOf>,
    filter: EventFilter,
    speed: ReplaySpeed,
    max_gap: Option<Duration>,
}

impl<E: Event, B: EventStoreBackend> EventStore<E, B> {
    /// Begins to plan a replay: of any range of events of type `E`, filtered, at full speed or with the original timing,
    /// into a projection or a handler.
    pub fn replay(&self) -> ReplayPlan<E, B> {
        ReplayPlan {
            store: self.clone(),
            after: GlobalPosition::START,
            until: None,
            filter: EventFilter::all(),
            speed: ReplaySpeed::full(),
            max_gap: None,
        }
    }
}

impl<E: Event, B: EventStoreBackend> ReplayPlan<E, B> {
    /// Only what comes after this position.
    pub fn after(mut self, position: GlobalPosition) -> Self {
        self.after = position;
        self
    }

    /// Only what lies up to a [position](GlobalPosition) or a [moment](crate::Timestamp), and is stored when the replay
    /// begins.
    pub fn until(mut self, end: impl Into<AsOf>) -> Self {
        self.until = Some(end.into());
        self
    }

    /// Only what passes this filter.
    pub fn filter(mut self, filter: EventFilter) -> Self {
        self.filter = filter;
        self
    }

    /// As fast as this. What takes longer than the time to the next event is made up for in the gaps that follow. Every
    /// speed but [the full one](ReplaySpeed::full) needs a tokio runtime with its timer enabled.
    pub fn speed(mut self, speed: ReplaySpeed) -> Self {
        self.speed = speed;
        self
    }

    /// Waits no longer than this between two events, whatever the speed: nights and weekends need not be waited for.
    pub fn max_gap(mut self, gap: Duration) -> Self {
        self.max_gap = Some(gap);
        self
    }

    /// Replays into a projection, which the outcome then holds. Its events are
    /// [replayed](ApplyContext::is_replaying): they have no effects.
    ///
    /// # Errors
    ///
    /// [`Error::NoRuntime`] outside a tokio runtime. What goes wrong later is told by awaiting the [`Replay`].
    pub fn into_projection<P>(self, projection: P) -> Result<Replay<P>>
    where
        P: Projection<Event = E> + 'static,
    {
        self.into_target(IntoProjection(projection))
    }

    /// Replays into a function, one event after the other. It is told by its context that the event is
    /// [replayed](ApplyContext::is_replaying), so that it can be the one that handles events live.
    ///
    /// ```
    /// # use allframe_cqrs::event;
    /// # #[event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Deposited { amount: u64 }
    /// use allframe_cqrs::EventStore;
    /// use tokio::sync::mpsc;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let store = EventStore::new();
    /// store.append("account-7", vec![Deposited { amount: 42 }]).await?;
    ///
    /// let (amounts, mut received) = mpsc::channel(10);
    /// let replay = store.replay().into_handler(move |event, _context| {
    ///     let amounts = amounts.clone();
    ///     async move { Ok(amounts.send(event.event.amount).await?) }
    /// })?;
    /// assert_eq!(replay.await.unwrap().events, 1);
    /// assert_eq!(received.recv().await, Some(42));
    /// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NoRuntime`] outside a tokio runtime. What goes wrong later is told by awaiting the [`Replay`].
    pub fn into_handler<H, F>(self, handler: H) -> Result<Replay<()>>
    where
        H: FnMut(Recorded<E>, ApplyContext) -> F + Send + 'static,
        F: Future<Output = Result<(), ApplyError>> + Send + 'static,
    {
        self.into_target(IntoHandler::new(handler))
    }

    fn into_target<T: ReplayTarget<E>>(self, target: T) -> Result<Replay<T::Output>> {
        let runtime = Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let report = ProgressReport::new(self.after);
        let control = ReplayControl::new(report.watch());
        let run = Run {
            store: self.store,
            after: self.after,
            until: self.until,
            filter: self.filter,
            pace: Pace::new(self.speed, self.max_gap),
            target,
            wishes: control.wishes(),
            report,
        };
        Ok(Replay { control, task: runtime.spawn(run.finish()) })
    }
}
