use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use eventstore_api::{GlobalPosition, StreamId, Timestamp, Version};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    task::JoinSet,
};
use tracing::Instrument;

use super::{
    SagaError, SagaId,
    definition::Steps,
    drive::{Driver, Left, Signals},
    engine::Engine,
    state::SagaState,
};

/// What the handles to an orchestrator and its worker share.
pub(super) struct Shared {
    pub(super) engine: Arc<Engine>,
    /// The sagas that are driven here, with what tells their drivers that others have written.
    driven: Mutex<HashMap<StreamId, watch::Sender<Version>>>,
    /// Who waits for which to be over.
    waiting: Mutex<HashMap<StreamId, Vec<oneshot::Sender<Option<SagaState>>>>>,
    room: Arc<Semaphore>,
    worker: mpsc::UnboundedSender<Message>,
    drivers: Mutex<JoinSet<()>>,
    closing: watch::Sender<bool>,
}

/// What drivers tell the worker.
pub(super) enum Message {
    Finished(Finished),
    /// A saga that is driven goes on when one of the others has ended.
    Awaits {
        stream: StreamId,
        others: Vec<StreamId>,
    },
}

/// The end of a saga, which somebody waits for; dropping it, he does not any more.
pub(super) struct AwaitedEnd {
    shared: Arc<Shared>,
    stream: StreamId,
    told: oneshot::Receiver<Option<SagaState>>,
}

impl AwaitedEnd {
    /// Waits for it.
    pub(super) async fn told(&mut self) -> Option<SagaState> {
        (&mut self.told).await.ok().flatten()
    }
}

impl Drop for AwaitedEnd {
    fn drop(&mut self) {
        self.told.close();
        let mut waiting = lock(&self.shared.waiting);
        if let Some(of_stream) = waiting.get_mut(&self.stream) {
            of_stream.retain(|sender| !sender.is_closed());
            if of_stream.is_empty() {
                waiting.remove(&self.stream);
            }
        }
    }
}

/// What has become of a saga that was driven.
pub(super) struct Finished {
    pub(super) stream: StreamId,
    pub(super) version: Version,
    pub(super) position: GlobalPosition,
    /// Who drives it, and when it turns round.
    pub(super) worker: Option<String>,
    pub(super) deadline: Option<Timestamp>,
    pub(super) left: Result<Left, SagaError>,
}

/// What has become of taking a saga over: its driver, and why it is not to drive, if it is not.
struct TakenOver {
    driver: Box<Driver>,
    left: Option<Left>,
}

/// A place among the sagas that are driven; dropping it gives it up.
pub(super) struct Seat {
    shared: Arc<Shared>,
    stream: StreamId,
    nudge: watch::Receiver<Version>,
    room: Option<OwnedSemaphorePermit>,
    /// What the worker is told when the place is given up.
    finished: Option<Finished>,
}

impl Shared {
    pub(super) fn new(
        engine: Arc<Engine>,
        max_driven: usize,
        worker: mpsc::UnboundedSender<Message>,
    ) -> Self {
        Self {
            engine,
            driven: Mutex::default(),
            waiting: Mutex::default(),
            room: Arc::new(Semaphore::new(max_driven.min(Semaphore::MAX_PERMITS))),
            worker,
            drivers: Mutex::default(),
            closing: watch::Sender::new(false),
        }
    }

    /// A place to drive a saga, unless all are taken, or it is driven here already.
    pub(super) fn take_seat(self: &Arc<Self>, stream: &StreamId) -> Option<Seat> {
        if self.is_closing() {
            return None;
        }
        let mut driven = lock(&self.driven);
        if driven.contains_key(stream) {
            return None;
        }
        let room = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let (sender, nudge) = watch::channel(Version::NONE);
        driven.insert(stream.clone(), sender);
        Some(Seat {
            shared: Arc::clone(self),
            stream: stream.clone(),
            nudge,
            room: Some(room),
            finished: None,
        })
    }

    /// Drives a saga that is due, and that this process drove before, or nobody, or one that has died. Answers whether there was
    /// room for it.
    pub(super) fn try_drive(self: &Arc<Self>, stream: &StreamId, worker: Option<&str>) -> bool {
        let Some(saga) = SagaId::of_stream(stream) else { return true };
        let Some(steps) = self.engine.definitions.get(saga.saga()).cloned() else { return true };
        let Some(seat) = self.take_seat(stream) else { return false };
        let (this, from) = (Arc::clone(self), worker.map(str::to_owned));
        self.spawn(async move {
            match this.take_over(saga, steps, from.as_deref()).await {
                Ok(TakenOver { driver, left: None }) => seat.drive(*driver).await,
                Ok(TakenOver { driver, left: Some(left) }) => seat.leave(&driver, Ok(left)),
                Err(error) => seat.give_up(error),
            }
        });
        true
    }

    /// The driver of a saga that is stored, which this process drives from now on; or why there is nothing to drive.
    async fn take_over(
        &self,
        saga: SagaId,
        steps: Arc<Steps>,
        from: Option<&str>,
    ) -> Result<TakenOver, SagaError> {
        loop {
            let loaded = self.engine.log.load(&saga).await?;
            let worker = loaded.state.worker.clone();
            let driver = Driver::new(Arc::clone(&self.engine), Arc::clone(&steps), saga.clone(), loaded);
            let mut driver = Box::new(driver);
            let is_mine = worker.as_deref() == Some(self.engine.worker.as_str());
            if driver.state.has_ended() {
                return Ok(TakenOver { driver, left: None });
            }
            if !is_mine && worker.as_deref() != from {
                return Ok(TakenOver { driver, left: Some(Left::Lost) });
            }
            if let Err(left) = driver.is_anything_to_do().await? {
                return Ok(TakenOver { driver, left: Some(left) });
            }
            // Where somebody has written meanwhile, it may be another process that takes it over, or a person. One that was ours is
            // claimed once more where attempts are under way of which nothing is known here any more.
            if (is_mine && !driver.is_under_way()) || driver.claim().await? {
                return Ok(TakenOver { driver, left: None });
            }
            if !is_mine && from.is_some() {
                // Who was thought dead has written, as it seems: it has the time of a lease once more.
                let loaded = self.engine.log.load(&saga).await?;
                let driver = Driver::new(Arc::clone(&self.engine), steps, saga, loaded);
                return Ok(TakenOver { driver: Box::new(driver), left: Some(Left::Lost) });
            }
        }
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut drivers = lock(&self.drivers);
        while drivers.try_join_next().is_some() {}
        drivers.spawn(work.in_current_span());
    }

    /// Waits until all drivers have ended; they begin nothing more.
    pub(super) async fn drivers_end(&self) {
        let mut drivers = std::mem::take(&mut *lock(&self.drivers));
        while drivers.join_next().await.is_some() {}
    }

    /// Ends all drivers in the middle of what they do.
    pub(super) fn abort(&self) {
        self.close();
        lock(&self.drivers).abort_all();
    }

    /// Lets the driver of a saga look at it anew. Answers whether there is one.
    pub(super) fn poke(&self, stream: &StreamId) -> bool {
        let driven = lock(&self.driven);
        let nudge = driven.get(stream);
        if let Some(nudge) = nudge {
            nudge.send_replace(Version::new(u64::MAX));
        }
        nudge.is_some()
    }

    /// Tells the driver of a saga that others may have written this version.
    pub(super) fn nudge(&self, stream: &StreamId, version: Version) {
        if let Some(nudge) = lock(&self.driven).get(stream) {
            nudge.send_replace(version);
        }
    }

    /// Answers once a saga is over, or parked: with its state, where that is at hand.
    pub(super) fn await_end(self: &Arc<Self>, stream: &StreamId) -> AwaitedEnd {
        let (sender, told) = oneshot::channel();
        lock(&self.waiting).entry(stream.clone()).or_default().push(sender);
        AwaitedEnd { shared: Arc::clone(self), stream: stream.clone(), told }
    }

    /// Tells those who wait for a saga that it may be over.
    pub(super) fn tell(&self, stream: &StreamId) {
        self.tell_with(stream, None);
    }

    fn tell_with(&self, stream: &StreamId, state: Option<&SagaState>) {
        for waiting in lock(&self.waiting).remove(stream).unwrap_or_default() {
            // Who does not wait any more does not mind.
            let _ = waiting.send(state.cloned());
        }
    }

    pub(super) fn is_driven(&self, stream: &StreamId) -> bool {
        lock(&self.driven).contains_key(stream)
    }

    pub(super) fn is_driving(&self) -> bool {
        !lock(&self.driven).is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.room.available_permits() > 0
    }

    pub(super) fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    pub(super) async fn closing(&self) {
        // The sender lives as long as this.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }
}

impl Seat {
    /// Drives a saga to where there is nothing to do.
    pub(super) async fn drive(self, mut driver: Driver) {
        let signals = Signals {
            nudge: self.nudge.clone(),
            closing: self.shared.closing.subscribe(),
            worker: self.shared.worker.clone(),
        };
        let left = driver.drive(signals).await;
        if matches!(left, Ok(Left::Over | Left::Parked)) {
            self.shared.tell_with(&self.stream, Some(&driver.state));
        }
        self.leave(&driver, left);
    }

    /// Gives the place up, and tells the worker why.
    fn leave(mut self, driver: &Driver, left: Result<Left, SagaError>) {
        self.finished = Some(Finished {
            stream: self.stream.clone(),
            version: driver.version,
            position: driver.position,
            worker: driver.state.worker.clone(),
            deadline: driver.deadline(),
            left,
        });
    }

    /// Gives the place up, for the saga cannot be read.
    fn give_up(mut self, error: SagaError) {
        self.finished = Some(Finished { left: Err(error), ..Finished::not(self.stream.clone()) });
    }
}

impl Finished {
    /// Of a saga that was not driven after all.
    fn not(stream: StreamId) -> Self {
        Self {
            stream,
            version: Version::NONE,
            position: GlobalPosition::START,
            worker: None,
            deadline: None,
            left: Ok(Left::Not),
        }
    }
}

/// Whoever gives a place up, the worker learns it: it may have passed over the saga, since it was driven.
impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.shared.driven).remove(&self.stream);
        self.room = None;
        let finished = self.finished.take().unwrap_or_else(|| Finished::not(self.stream.clone()));
        // The worker has ended: nobody asks any more.
        let _ = self.shared.worker.send(Message::Finished(finished));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
