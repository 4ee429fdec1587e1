use std::{
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use eventstore_api::{AppendBatch, Appended, Result, StoreError};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};

use super::queue::{Append, Queue, Work};
use crate::{
    catalog::Catalog,
    config::WalConfig,
    log::{Durability, Log, Request, SealWork, Space},
};

/// The one that writes: a thread that owns the log, what waits for it, and a thread that does what can wait.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    threads: Mutex<Option<Threads>>,
}

#[derive(Debug)]
struct Shared {
    queue: Queue,
    /// Taken by the thread as long as it commits, and for a moment by whoever appends what needs no sync.
    log: Mutex<Option<Log>>,
    room: Arc<Semaphore>,
    room_bytes: usize,
    chores: Mutex<Option<mpsc::Sender<Chore>>>,
    durability: Durability,
    mark_after: Duration,
    catalog: Arc<Catalog>,
    /// What closing came to.
    closed: Mutex<Option<Result<()>>>,
}

#[derive(Debug)]
struct Threads {
    writer: JoinHandle<()>,
    chores: JoinHandle<()>,
}

/// What can wait.
#[derive(Debug)]
enum Chore {
    Index(SealWork),
    Prepare(Arc<Space>, u64),
}

/// How many bytes of waiting appends one permit stands for.
const ROOM_UNIT: usize = 1 << 10;
/// How often an append that needs no sync tries to get at the log itself, before it asks the thread.
const TRIES: u32 = 200;

impl Writer {
    pub(super) fn start(log: Log, config: &WalConfig) -> Result<Self> {
        let room_bytes = config.queue_bytes.max(ROOM_UNIT);
        let (chores, chore) = mpsc::channel();
        let shared = Arc::new(Shared {
            queue: Queue::default(),
            catalog: Arc::clone(log.catalog()),
            log: Mutex::new(Some(log)),
            room: Arc::new(Semaphore::new(room_bytes / ROOM_UNIT)),
            room_bytes,
            chores: Mutex::new(Some(chores)),
            durability: config.durability,
            mark_after: config.mark_after,
            closed: Mutex::new(None),
        });
        let chores = spawn("wal-chores", move || do_chores(&chore))?;
        let writing = Arc::clone(&shared);
        let writer = spawn("wal-writer", move || write(&writing))?;
        Ok(Self { shared, threads: Mutex::new(Some(Threads { writer, chores })) })
    }

    /// Appends a batch that has been validated, and waits for the answer. Whoever stops waiting leaves it to happen.
    pub(super) async fn append(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let shared = &*self.shared;
        let request = Request::new(batch);
        let request = match shared.durability {
            Durability::Always => request,
            _ => match shared.append_at_once(request) {
                Ok(answer) => return answer,
                Err(request) => request,
            },
        };
        let permits = request.bytes().min(shared.room_bytes).div_ceil(ROOM_UNIT);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let room = Arc::clone(&shared.room).acquire_many_owned(permits.max(1)).await;
        let room = room.map_err(|_| StoreError::Closed)?;
        let (answer, answered) = oneshot::channel();
        if !shared.queue.push(Append { request, answer, _room: room }) {
            return Err(StoreError::Closed);
        }
        match answered.await {
            Ok(answer) => answer,
            Err(gone) => Err(StoreError::outcome_unknown(WriterGone(gone))),
        }
    }

    pub(super) async fn flush(&self) -> Result<()> {
        let (done, flushed) = oneshot::channel();
        if !self.shared.queue.push_flush(done) {
            return self.shared.closed.lock().clone().unwrap_or(Ok(()));
        }
        flushed.await.unwrap_or_else(|gone| Err(StoreError::storage(WriterGone(gone))))
    }

    pub(super) fn is_open(&self) -> bool {
        self.shared.queue.is_open()
    }

    /// Finishes what waits, closes the log, and lets go of the directory. Takes as long as the disk does.
    pub(super) fn close(&self) -> Result<()> {
        self.shared.queue.close();
        let threads = self.threads.lock().take();
        if let Some(Threads { writer, chores }) = threads {
            let ended = writer.join();
            self.shared.chores.lock().take();
            let chores_ended = chores.join();
            if ended.is_err() || chores_ended.is_err() {
                return Err(StoreError::storage(
                    "a thread of the store panicked; reopen the store, which recovers it",
                ));
            }
        }
        self.shared.closed.lock().clone().unwrap_or(Ok(()))
    }
}

impl Shared {
    /// Appends on the caller's own thread, where that takes neither a sync nor waiting; hands the request back where it
    /// would.
    fn append_at_once(&self, request: Request) -> Result<Result<Vec<Appended>>, Request> {
        for _ in 0..TRIES {
            if !self.queue.is_empty() {
                break;
            }
            let Some(mut log) = self.log.try_lock() else {
                std::hint::spin_loop();
                continue;
            };
            let Some(log) = log.as_mut().filter(|log| log.takes_at_once(&request)) else { break };
            let answer = log.commit(vec![request]).pop();
            log.drop_spent();
            self.hand_out_chores(log);
            return Ok(answer.unwrap_or_else(|| Err(StoreError::storage("the log did not answer"))));
        }
        Err(request)
    }

    fn hand_out_chores(&self, log: &mut Log) {
        let (space, end) = log.space();
        let is_short = space.is_short(end);
        let prepare = is_short.then(|| Chore::Prepare(Arc::clone(space), space.prepared() + 1));
        let indexes = log.take_seal_work().into_iter().map(Chore::Index);
        let chores: Vec<Chore> = indexes.chain(prepare).collect();
        if chores.is_empty() {
            return;
        }
        if let Some(sender) = &*self.chores.lock() {
            for chore in chores {
                // The thread ends after the writer does.
                let _ = sender.send(chore);
            }
        }
    }
}

/// The thread that owns the log.
fn write(shared: &Shared) {
    let _ends = Ends(shared);
    let mut rhythm = Rhythm::new();
    loop {
        let (expected, until) = rhythm.expectation();
        let patience = shared.patience(&rhythm);
        let work = shared.queue.next(expected, until, patience);
        let mut log = shared.log.lock();
        let Some(log) = log.as_mut() else { return };
        if work.is_empty() {
            shared.on_idle(log);
            rhythm.is_idle = true;
            rhythm.flushed_at = Instant::now();
            continue;
        }
        let Work { appends, flushes, closing } = work;
        let answered = appends.len();
        let began = Instant::now();
        if !appends.is_empty() {
            let (requests, waiting): (Vec<_>, Vec<_>) =
                appends.into_iter().map(|append| (append.request, (append.answer, append._room))).unzip();
            let answers = log.commit(requests);
            for (answer, (waiting, _room)) in answers.into_iter().zip(waiting) {
                // Whoever has gone does not want to know.
                let _ = waiting.send(answer);
            }
            log.drop_spent();
        }
        rhythm.answered(answered, began);
        if !flushes.is_empty() || rhythm.is_due(shared.durability) {
            let outcome = log.flush();
            rhythm.flushed_at = Instant::now();
            for done in flushes {
                let _ = done.send(outcome.clone());
            }
        }
        shared.hand_out_chores(log);
        if closing {
            return;
        }
    }
}

impl Shared {
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

/// How appends come and go, so that those who were just answered get into the next batch together.
#[derive(Debug)]
struct Rhythm {
    answered: usize,
    answered_at: Instant,
    flushed_at: Instant,
    /// How long a commit takes, smoothed.
    commit: Duration,
    /// Nothing was appended since the log was looked after.
    is_idle: bool,
}

impl Rhythm {
    fn new() -> Self {
        let now = Instant::now();
        Self { answered: 0, answered_at: now, flushed_at: now, commit: Duration::ZERO, is_idle: false }
    }

    /// Whether what was appended has waited long enough to become durable, also where there is always something to do.
    fn is_due(&self, durability: Durability) -> bool {
        matches!(durability, Durability::Interval(interval) if self.flushed_at.elapsed() >= interval)
    }

    fn answered(&mut self, count: usize, began: Instant) {
        if count == 0 {
            return;
        }
        let now = Instant::now();
        self.answered = count;
        self.answered_at = now;
        self.commit = (self.commit * 7 + (now - began)) / 8;
        self.is_idle = false;
    }

    /// How many appends to wait for, and until when: those who were answered come back, or they do not within a
    /// fraction of what a commit takes.
    fn expectation(&mut self) -> (usize, Instant) {
        (std::mem::take(&mut self.answered), self.answered_at + self.commit / 2)
    }
}

/// When the thread ends, however that comes about, nobody waits for it in vain.
struct Ends<'s>(&'s Shared);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        drop(self.0.queue.abandon());
        self.0.room.close();
        let log = self.0.log.lock().take();
        if std::thread::panicking() {
            drop(log);
        } else if let Some(log) = log {
            *self.0.closed.lock() = Some(log.close());
        }
        self.0.catalog.close();
    }
}

fn do_chores(chores: &mpsc::Receiver<Chore>) {
    while let Ok(chore) = chores.recv() {
        match chore {
            // Where it fails, the index stays in memory.
            Chore::Index(work) => drop(work.run()),
            Chore::Prepare(space, through) => {
                if let Err(error) = space.prepare(through) {
                    tracing::warn!(%error, "cannot make room ahead of the writer");
                }
            }
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(StoreError::storage)
}

#[derive(Debug, thiserror::Error)]
#[error("the writer of the store has ended")]
struct WriterGone(#[source] oneshot::error::RecvError);
