mod at_once;
mod queue;
mod rhythm;
mod thread;

use std::{fmt, mem, sync::Arc, thread::JoinHandle, time::Duration};

use eventstore_api::{Result, StoreError};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};

use self::queue::{Answered, Append, Queue};
use crate::{Durability, Engine, Panicked};

/// The one that writes: an [`Engine`], a thread that does with it what takes waiting for the disk, and what waits for that
/// thread.
///
/// What waits while the engine commits goes together into the next commit, so that a sync is shared by all who wait for it,
/// and nobody waits longer for others to come than a fraction of what a commit takes. Where no sync is waited for, and the
/// engine [takes it at once](Engine::takes_at_once), an append is done on the caller's own thread.
///
/// It needs no runtime. Dropping it closes it, which takes as long as the disk does.
pub struct Writer<E: Engine> {
    shared: Arc<Shared<E>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How a [`Writer`] goes about its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriterOptions {
    /// What the thread is called; Linux shows 15 bytes of it.
    pub thread_name: &'static str,
    /// When an append is acknowledged. The engine has to keep it too: this is how long the writer waits, and when it asks for
    /// a [flush](Engine::flush).
    pub durability: Durability,
    /// How long nothing has to be committed before the engine is told that it [is idle](Engine::on_idle). An
    /// [interval](Durability::Interval) takes its place.
    pub idle_after: Duration,
    /// How many bytes of requests may wait; whoever comes beyond that waits before. They are counted in KiB, at least one a
    /// request. Any number will do: a request that is greater waits until it is alone.
    pub queue_bytes: usize,
}

struct Shared<E: Engine> {
    queue: Queue<E>,
    /// Taken by the thread as long as it commits, and for a moment by whoever appends what needs no sync.
    place: Mutex<Place<E>>,
    /// For what waits.
    room: Semaphore,
    /// How many permits there are of it.
    permits: u32,
    durability: Durability,
    idle_after: Duration,
    /// What closing came to.
    closed: Mutex<Option<Result<()>>>,
}

/// Where the engine is.
struct Place<E> {
    /// Gone when the store is closed.
    engine: Option<E>,
    /// Someone panicked while he had the engine: nobody works with it any more.
    has_panicked: bool,
}

/// How many bytes of waiting requests one permit stands for.
const PERMIT_BYTES: usize = 1 << 10;

impl<E: Engine> Writer<E> {
    /// Starts the thread. `ended` is called there when all is over, in good order or not: from then on
    /// [`check_open`](Self::check_open) says why. It is for those who wait for something that will not come any more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`] when the system has no thread left.
    pub fn start(engine: E, options: WriterOptions, ended: impl FnOnce() + Send + 'static) -> Result<Self> {
        let WriterOptions { thread_name, durability, idle_after, queue_bytes } = options;
        // As many as the semaphore takes, at the most.
        let permits = (queue_bytes / PERMIT_BYTES).clamp(1, Semaphore::MAX_PERMITS >> 1);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let shared = Arc::new(Shared {
            queue: Queue::new(),
            place: Mutex::new(Place { engine: Some(engine), has_panicked: false }),
            room: Semaphore::new(permits as usize),
            permits,
            durability,
            idle_after,
            closed: Mutex::new(None),
        });
        let writing = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name(thread_name.to_owned())
            .spawn(move || thread::run(&writing, ended))
            .map_err(StoreError::storage)?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Waits for room, hands a request over that takes about so many `bytes`, and waits for the answer. Requests are committed
    /// in the order in which they came.
    ///
    /// Whoever stops waiting before there is room takes the request back; whoever does later leaves it to happen.
    ///
    /// # Errors
    ///
    /// What the engine says of it. [`StoreError::OutcomeUnknown`] when the writer ended before it answered,
    /// [`StoreError::Closed`] when the writer was closed before, and what it came to when that was not in good order.
    pub fn submit(&self, request: E::Request, bytes: usize) -> impl Future<Output = Result<E::Output>> {
        let shared = &*self.shared;
        let waits_for_syncs = shared.durability == Durability::Always;
        // No `async fn`: its future would have room for the request twice, and move it from one to the other.
        async move {
            if !waits_for_syncs && let Some(answer) = shared.append_at_once(&request) {
                return answer;
            }
            let wanted = bytes.div_ceil(PERMIT_BYTES);
            let room = u32::try_from(wanted).unwrap_or(u32::MAX).clamp(1, shared.permits);
            // Whoever answers gives it back.
            shared.room.acquire_many(room).await.map_err(|_| shared.why_it_ended())?.forget();
            let (answered, answer) = oneshot::channel();
            if !shared.queue.push(Append { request, answered, room }) {
                return Err(shared.why_it_ended());
            }
            if !waits_for_syncs {
                shared.work_off();
            }
            match answer.await {
                Ok(Answered { answer, .. }) => answer,
                Err(_) => Err(StoreError::outcome_unknown(WriterGone)),
            }
        }
    }

    /// Hands several requests over that take about so many `bytes` together, and waits for the answers, which stand in their
    /// order. Nothing comes in between them, and they share a sync as far as the engine lets them.
    ///
    /// As [`submit`](Self::submit) for whoever stops waiting.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit): the first that is not done. Those behind it may have been done.
    pub async fn submit_all(&self, requests: Vec<E::Request>, bytes: usize) -> Result<Vec<E::Output>> {
        let shared = &*self.shared;
        let wanted = bytes.div_ceil(PERMIT_BYTES).max(requests.len());
        let mut room = u32::try_from(wanted).unwrap_or(u32::MAX).clamp(1, shared.permits);
        shared.room.acquire_many(room).await.map_err(|_| shared.why_it_ended())?.forget();
        let (mut appends, mut answers) = (Vec::new(), Vec::new());
        for request in requests {
            let (answered, answer) = oneshot::channel();
            // All of it is given back with the first.
            appends.push(Append { request, answered, room: mem::take(&mut room) });
            answers.push(answer);
        }
        // Where there is none to do that.
        shared.room.add_permits(room as usize);
        if !shared.queue.push_all(appends) {
            return Err(shared.why_it_ended());
        }
        if shared.durability != Durability::Always {
            shared.work_off();
        }
        let mut outputs = Vec::with_capacity(answers.len());
        for answer in answers {
            outputs.push(match answer.await {
                Ok(Answered { answer, .. }) => answer?,
                Err(_) => return Err(StoreError::outcome_unknown(WriterGone)),
            });
        }
        Ok(outputs)
    }

    /// Has everything made durable that was answered, and waits for it. Whoever stops waiting leaves it to happen.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`] when the engine has failed, now or before, or the writer has ended meanwhile;
    /// [`StoreError::Closed`] as [`submit`](Self::submit).
    pub async fn flush(&self) -> Result<()> {
        let (done, flushed) = oneshot::channel();
        if !self.shared.queue.push_flush(done) {
            return Err(self.shared.why_it_ended());
        }
        flushed.await.unwrap_or_else(|_| Err(StoreError::storage(WriterGone)))
    }

    /// Says why nothing is taken any more, if that is so.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] when it is closed or about to be, and what closing came to when that was not in good order.
    pub fn check_open(&self) -> Result<()> {
        if self.shared.queue.is_open() { Ok(()) } else { Err(self.shared.why_it_ended()) }
    }

    /// Takes nothing more; what waits is still done.
    pub fn stop_taking(&self) {
        self.shared.queue.close();
    }

    /// Finishes what waits, closes the engine, and waits for it: as long as the disk takes, so not on a thread of a runtime
    /// (see [`waiting`](crate::waiting)). Whoever closes again is told the same.
    ///
    /// # Errors
    ///
    /// What the engine says, and [`StoreError::Storage`] with [`Panicked`] when it panicked.
    pub fn close(&self) -> Result<()> {
        self.stop_taking();
        // Whoever closes meanwhile waits too.
        let mut thread = self.thread.lock();
        if thread.take().is_some_and(|thread| thread.join().is_err()) {
            return Err(StoreError::storage(Panicked));
        }
        self.shared.closed.lock().clone().unwrap_or(Ok(()))
    }
}

impl<E: Engine> Shared<E> {
    /// What to say to those who come too late.
    fn why_it_ended(&self) -> StoreError {
        match &*self.closed.lock() {
            Some(Err(error)) => error.clone(),
            _ => StoreError::Closed,
        }
    }

    /// Commits these together, and answers.
    fn commit(&self, engine: &mut E, appends: Vec<Append<E>>) {
        if appends.is_empty() {
            return;
        }
        let mut answers = engine.commit(appends.iter().map(|append| &append.request)).into_iter();
        let is_alone = appends.len() == 1;
        let mut room = 0;
        let mut kept = None;
        for Append { request, answered, room: taken } in appends {
            room += taken as usize;
            let Some(answer) = answers.next() else { continue };
            // A lone writer has nothing else to do meanwhile: memory is given back here while he goes on.
            let spent = if is_alone { kept.replace(request) } else { Some(request) };
            // Whoever has gone does not want to know.
            let _ = answered.send(Answered { answer, _spent: spent });
        }
        drop(kept);
        self.room.add_permits(room);
        engine.after_commit();
    }
}

impl<E: Engine> Drop for Writer<E> {
    fn drop(&mut self) {
        if self.thread.get_mut().is_some()
            && let Err(error) = self.close()
        {
            tracing::error!(%error, "the writer was not closed in good order");
        }
    }
}

impl<E: Engine> fmt::Debug for Writer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("durability", &self.shared.durability)
            .field("is_open", &self.shared.queue.is_open())
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "the writer of the store ended before it answered; reopen the store, and append the same events again"
)]
struct WriterGone;
