use std::{
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use eventstore_api::{AppendBatch, Appended, Result, StoreError};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Semaphore, oneshot};

use super::{
    chores::Chores,
    queue::{Answered, Append, Queue, Work},
    rhythm::Rhythm,
    spawn,
};
use crate::{
    catalog::Catalog,
    config::WalConfig,
    log::{Answer, Durability, Log, Request},
};

/// The one that writes: a thread that owns the log, what waits for it, and what can wait.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    queue: Queue,
    /// Taken by the thread as long as it commits, and for a moment by whoever appends what needs no sync. Gone when the
    /// store is closed.
    log: Mutex<Option<Log>>,
    room: Semaphore,
    room_bytes: usize,
    chores: Chores,
    durability: Durability,
    mark_after: Duration,
    catalog: Arc<Catalog>,
    /// What closing came to.
    closed: Mutex<Option<Result<()>>>,
}

/// How many bytes of waiting appends one permit stands for.
const ROOM_UNIT: usize = 1 << 10;

impl Writer {
    pub(super) fn start(log: Log, config: &WalConfig) -> Result<Self> {
        let room_bytes = config.queue_bytes.max(ROOM_UNIT);
        let shared = Arc::new(Shared {
            queue: Queue::default(),
            catalog: Arc::clone(log.catalog()),
            log: Mutex::new(Some(log)),
            room: Semaphore::new(room_bytes / ROOM_UNIT),
            room_bytes,
            chores: Chores::start()?,
            durability: config.durability,
            mark_after: config.mark_after,
            closed: Mutex::new(None),
        });
        let writing = Arc::clone(&shared);
        let thread = spawn("wal-writer", move || write(&writing))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Appends a batch that has been validated, and waits for the answer. Whoever stops waiting leaves it to happen.
    pub(super) async fn append(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let shared = &*self.shared;
        let request = Request::new(batch);
        let waits_for_syncs = shared.durability == Durability::Always;
        if !waits_for_syncs && let Some(answer) = shared.append_at_once(&request) {
            return answer;
        }
        let permits = request.bytes().min(shared.room_bytes).div_ceil(ROOM_UNIT);
        let room = u32::try_from(permits).unwrap_or(u32::MAX).max(1);
        // Whoever answers gives it back.
        shared.room.acquire_many(room).await.map_err(|_| StoreError::Closed)?.forget();
        let (answered, answer) = oneshot::channel();
        if !shared.queue.push(Append { request, answered, room }) {
            return Err(StoreError::Closed);
        }
        if !waits_for_syncs {
            shared.work_off();
        }
        match answer.await {
            Ok(Answered { answer, .. }) => answer,
            Err(gone) => Err(StoreError::outcome_unknown(WriterGone(gone))),
        }
    }

    pub(super) async fn flush(&self) -> Result<()> {
        let (done, flushed) = oneshot::channel();
        if !self.shared.queue.push_flush(done) {
            // While it is being closed, nobody knows yet what that comes to.
            return self.shared.closed.lock().clone().unwrap_or(Err(StoreError::Closed));
        }
        flushed.await.unwrap_or_else(|gone| Err(StoreError::storage(WriterGone(gone))))
    }

    pub(super) fn is_open(&self) -> bool {
        self.shared.queue.is_open()
    }

    /// Finishes what waits, closes the log, and lets go of the directory. Takes as long as the disk does.
    pub(super) fn close(&self) -> Result<()> {
        self.shared.queue.close();
        // Whoever closes meanwhile waits too.
        let mut thread = self.thread.lock();
        if let Some(thread) = thread.take() {
            let ended = thread.join();
            if ended.and(self.shared.chores.end()).is_err() {
                return Err(StoreError::storage(Panicked));
            }
        }
        self.shared.closed.lock().clone().unwrap_or(Ok(()))
    }
}

impl Shared {
    /// Appends on the caller's own thread, where nobody else is at it and it takes no waiting for the disk.
    fn append_at_once(&self, request: &Request) -> Option<Answer> {
        if !self.queue.is_empty() {
            return None;
        }
        let mut at_work = self.try_to_work()?;
        let log = at_work.log().filter(|log| log.takes_at_once([request]))?;
        let answer = log.commit([request]).pop();
        self.chores.take_from(log);
        drop(at_work);
        if !self.queue.is_surely_empty() {
            self.work_off();
        }
        answer
    }

    /// Appends what waits, on the caller's own thread, if nobody else is at it: whoever is at it takes that up before he
    /// goes. What takes waiting for the disk is left to the writer.
    fn work_off(&self) {
        while !self.queue.is_surely_empty() {
            let Some(mut at_work) = self.try_to_work() else { return };
            let appends = at_work.log().and_then(|log| {
                self.queue
                    .take_if(|appends| log.takes_at_once(appends.iter().map(|append| &append.request)))
                    .map(|appends| (log, appends))
            });
            match appends {
                Some((log, appends)) => self.commit(log, appends),
                None => return self.queue.call_writer(),
            }
        }
    }

    fn try_to_work(&self) -> Option<AtWork<'_>> {
        self.log.try_lock().map(|place| AtWork { shared: self, place })
    }

    /// Appends these together, and answers.
    fn commit(&self, log: &mut Log, appends: Vec<Append>) {
        if appends.is_empty() {
            return;
        }
        let answers = log.commit(appends.iter().map(|append| &append.request));
        let is_alone = appends.len() == 1;
        let mut room = 0;
        let mut kept = None;
        for (Append { request, answered, room: taken }, answer) in appends.into_iter().zip(answers) {
            room += taken as usize;
            // A lone writer has nothing else to do meanwhile: memory is given back here while he goes on.
            let spent = if is_alone { kept.replace(request) } else { Some(request) };
            // Whoever has gone does not want to know.
            let _ = answered.send(Answered { answer, _spent: spent });
        }
        drop(kept);
        self.room.add_permits(room);
        self.chores.take_from(log);
    }
}

/// The thread that owns the log.
fn write(shared: &Shared) {
    let _ends = Ends(shared);
    let mut rhythm = Rhythm::new();
    loop {
        let (expected, until) = rhythm.expectation();
        let patience = shared.patience(&rhythm);
        let work = match shared.durability {
            Durability::Always => shared.queue.next(expected, until, patience),
            _ => shared.queue.next_call(patience),
        };
        let closing = work.closing;
        {
            let mut log = shared.log.lock();
            let Some(log) = log.as_mut() else { return };
            shared.work(log, work, &mut rhythm);
        }
        if closing {
            return;
        }
        if shared.durability != Durability::Always {
            shared.work_off();
        }
    }
}

impl Shared {
    /// What the thread does with the log once it has been woken.
    fn work(&self, log: &mut Log, work: Work, rhythm: &mut Rhythm) {
        if work.is_empty() {
            self.on_idle(log);
            rhythm.is_idle = true;
            rhythm.flushed_at = Instant::now();
            return;
        }
        let Work { appends, flushes, .. } = work;
        let answered = appends.len();
        let began = Instant::now();
        self.commit(log, appends);
        rhythm.answered(answered, began);
        if !flushes.is_empty() || rhythm.is_due(self.durability) {
            let outcome = log.flush();
            rhythm.flushed_at = Instant::now();
            for done in flushes {
                let _ = done.send(outcome.clone());
            }
        }
    }

    /// How long the thread waits for work before it looks after itself; `None`: until there is some.
    fn patience(&self, rhythm: &Rhythm) -> Option<Duration> {
        match self.durability {
            Durability::Interval(interval) => Some(interval),
            _ if rhythm.is_idle => None,
            _ => Some(self.mark_after),
        }
    }

    /// Nothing waits: time to make durable what is not, and to say so.
    fn on_idle(&self, log: &mut Log) {
        let done = match self.durability {
            Durability::Always => log.mark().map(|_| ()),
            Durability::Interval(_) => log.flush(),
            Durability::OsBuffered => Ok(()),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the idle log could not be made durable");
        }
    }
}

/// The log in the hands of someone who appends on his own thread. If he panics nobody else works on it: it is gone, and
/// the writer ends.
struct AtWork<'s> {
    shared: &'s Shared,
    place: MutexGuard<'s, Option<Log>>,
}

impl AtWork<'_> {
    /// `None` when the store is closed.
    fn log(&mut self) -> Option<&mut Log> {
        self.place.as_mut()
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.place.take();
            self.shared.queue.call_writer();
        }
    }
}

/// When the thread ends, however that comes about, nobody waits for it in vain.
struct Ends<'s>(&'s Shared);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        drop(self.0.queue.abandon());
        self.0.room.close();
        let log = self.0.log.lock().take();
        let closed = match log {
            Some(log) if !std::thread::panicking() => log.close(),
            _ => Err(StoreError::storage(Panicked)),
        };
        *self.0.closed.lock() = Some(closed);
        self.0.catalog.close();
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a thread of the store panicked; reopen the store, which recovers it")]
struct Panicked;

#[derive(Debug, thiserror::Error)]
#[error("the writer of the store has ended")]
struct WriterGone(#[source] oneshot::error::RecvError);
