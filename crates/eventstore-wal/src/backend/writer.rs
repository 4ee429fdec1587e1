mod at_once;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use eventstore_api::{AppendBatch, Appended, Result, StoreError};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};

use super::{
    Archivist,
    chores::Chores,
    queue::{Answered, Append, Queue, Work},
    rhythm::Rhythm,
    spawn,
};
use crate::{
    catalog::Catalog,
    config::WalConfig,
    log::{Durability, Log, Request},
};

/// The one that writes: a log, a thread that does with it what takes waiting for the disk, and what waits for that thread.
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
    /// For what waits.
    room: Semaphore,
    /// How many permits there are of it.
    permits: u32,
    chores: Chores,
    durability: Durability,
    mark_after: Duration,
    catalog: Arc<Catalog>,
    /// What closing came to.
    closed: Mutex<Option<Result<()>>>,
}

/// How many bytes of waiting appends one permit stands for.
const PERMIT_BYTES: usize = 1 << 10;

impl Writer {
    pub(super) fn start(log: Log, config: &WalConfig, archivist: Option<Archivist>) -> Result<Self> {
        // As many as the semaphore takes, at the most.
        let permits = (config.queue_bytes / PERMIT_BYTES).clamp(1, Semaphore::MAX_PERMITS >> 1);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let shared = Arc::new(Shared {
            queue: Queue::default(),
            catalog: Arc::clone(log.catalog()),
            log: Mutex::new(Some(log)),
            room: Semaphore::new(permits as usize),
            permits,
            chores: Chores::start(archivist)?,
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
        let wanted = request.bytes().div_ceil(PERMIT_BYTES);
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

    pub(super) async fn flush(&self) -> Result<()> {
        let (done, flushed) = oneshot::channel();
        if !self.shared.queue.push_flush(done) {
            return Err(self.shared.why_it_ended());
        }
        flushed.await.unwrap_or_else(|_| Err(StoreError::storage(WriterGone)))
    }

    /// Has everything archived that is due; how many segments that were.
    #[cfg(feature = "parquet")]
    pub(super) async fn archive(&self) -> Result<u64> {
        // Whatever was sealed by now is handed out with it.
        self.flush().await?;
        let (done, archived) = oneshot::channel();
        self.shared.chores.archive(done);
        archived.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Says why nothing is taken any more, if that is so.
    pub(super) fn check_open(&self) -> Result<()> {
        if self.shared.queue.is_open() { Ok(()) } else { Err(self.shared.why_it_ended()) }
    }

    /// Takes nothing more; what waits is still done.
    pub(super) fn stop_taking(&self) {
        self.shared.queue.close();
    }

    /// Finishes what waits, closes the log, and lets go of the directory. Takes as long as the disk does.
    pub(super) fn close(&self) -> Result<()> {
        self.stop_taking();
        // Whoever closes meanwhile waits too.
        let mut thread = self.thread.lock();
        if thread.take().is_some_and(|thread| thread.join().is_err()) {
            return Err(StoreError::storage(Panicked));
        }
        self.shared.closed.lock().clone().unwrap_or(Ok(()))
    }
}

impl Shared {
    /// What to say to those who come too late.
    fn why_it_ended(&self) -> StoreError {
        match &*self.closed.lock() {
            Some(Err(error)) => error.clone(),
            _ => StoreError::Closed,
        }
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

/// What the thread does.
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
            let keeps_an_interval = matches!(self.durability, Durability::Interval(_));
            if keeps_an_interval && !rhythm.is_due(self.durability) {
                // Called for what someone else has done meanwhile: no reason for a sync before its time.
                return;
            }
            self.on_idle(log);
            rhythm.flushed(true);
            rhythm.is_over = log.is_poisoned();
            return;
        }
        let Work { appends, flushes, .. } = work;
        let answered = appends.len();
        let began = Instant::now();
        self.commit(log, appends);
        rhythm.answered(answered, began);
        if !flushes.is_empty() || rhythm.is_due(self.durability) {
            let outcome = log.flush();
            rhythm.flushed(false);
            for done in flushes {
                let _ = done.send(outcome.clone());
            }
        }
    }

    /// How long the thread waits for work before it looks after itself; `None`: until there is some.
    fn patience(&self, rhythm: &Rhythm) -> Option<Duration> {
        match self.durability {
            _ if rhythm.is_over => None,
            Durability::Interval(interval) => Some(rhythm.until_due(interval)),
            _ if rhythm.is_idle => None,
            _ => Some(self.mark_after),
        }
    }

    /// Nothing waits: time to make durable what is not, or, where all of it is, to say so in the log.
    fn on_idle(&self, log: &mut Log) {
        if log.is_poisoned() {
            // It was said when it came about.
            return;
        }
        let done = match self.durability {
            Durability::Interval(_) if !log.is_durable() => log.flush(),
            _ => log.mark().map(|_| ()),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the idle log could not be made durable");
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
        // As long as the log has the directory locked, nobody else can be at the files.
        let chores = self.0.chores.end();
        let closed = match log {
            Some(log) if !std::thread::panicking() => log.close(),
            _ => Err(StoreError::storage(Panicked)),
        };
        *self.0.closed.lock() = Some(closed.and(chores.map_err(|_| StoreError::storage(Panicked))));
        self.0.catalog.close();
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a thread of the store panicked; reopen the store, which recovers it")]
struct Panicked;

#[derive(Debug, thiserror::Error)]
#[error(
    "the writer of the store ended before it answered; reopen the store, and append the same events again"
)]
struct WriterGone;
