use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use eventstore_api::{Result, StoreError, Timestamp};
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::spawn;
use crate::{
    archive::{Archive, Due},
    damage::Failure,
    segment::Segment,
};

/// The thread that archives, one segment at a time, so that nobody who appends or reads waits for it.
#[derive(Debug)]
pub(super) struct Archivist {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    archive: Archive,
    calls: Mutex<Calls>,
    called: Condvar,
    /// Leaves off in the middle of a segment.
    is_over: AtomicBool,
}

#[derive(Debug, Default)]
struct Calls {
    /// Whether there may be something to do.
    called: bool,
    /// Who waits until all of it is done.
    waiting: Vec<oneshot::Sender<Result<u64>>>,
}

/// After a failure it is tried again with the next segment that is sealed, when someone asks for it, or after this time.
const PATIENCE: Duration = Duration::from_secs(60);
/// As long as someone reads a segment that is archived, it is looked so often whether he is done.
const UNTIL_READ: Duration = Duration::from_secs(1);

fn panicked(segment: &Segment) -> Failure {
    Failure::io(|| format!("cannot archive {}", segment.described))(io::Error::other("it panicked"))
}

impl Archivist {
    pub(super) fn start(archive: Archive) -> Result<Self> {
        let shared = Arc::new(Shared {
            archive,
            // What was left to do when the store was closed.
            calls: Mutex::new(Calls { called: true, waiting: Vec::new() }),
            called: Condvar::new(),
            is_over: AtomicBool::new(false),
        });
        let archiving = Arc::clone(&shared);
        let thread = spawn("wal-archive", move || archiving.run())?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Says that a segment has been sealed, and has its index.
    pub(super) fn call(&self) {
        self.shared.calls.lock().called = true;
        self.shared.called.notify_one();
    }

    /// Has everything done that is due by now; `done` is told how many segments that were.
    pub(super) fn call_and_tell(&self, done: oneshot::Sender<Result<u64>>) {
        let mut calls = self.shared.calls.lock();
        // Whoever is not taken sees that it is over.
        if !self.shared.is_over.load(Ordering::Relaxed) {
            calls.waiting.push(done);
        }
        drop(calls);
        self.shared.called.notify_one();
    }

    /// Leaves off. What is half done is left, and nothing of it counts. An error is a panic of the thread.
    pub(super) fn end(&self) -> thread::Result<()> {
        {
            // Under the lock, or the thread could miss it between looking and waiting.
            let _calls = self.shared.calls.lock();
            self.shared.is_over.store(true, Ordering::Relaxed);
        }
        self.shared.called.notify_one();
        let thread = self.thread.lock().take();
        thread.map_or(Ok(()), JoinHandle::join)
    }
}

impl Shared {
    fn run(&self) {
        let mut patience = None;
        while let Some(waiting) = self.next_call(patience) {
            let outcome = self.archive_what_is_due();
            let is_clear = self.archive.clear_away();
            patience = match &outcome {
                Ok((_, patience)) if is_clear => *patience,
                Ok((_, patience)) => Some(patience.map_or(UNTIL_READ, |time| time.min(UNTIL_READ))),
                Err(Failure::Closed) => None,
                Err(failure) => {
                    tracing::warn!(error = %eventstore_api::message_with_causes(failure), "cannot archive a segment");
                    Some(PATIENCE)
                }
            };
            for done in waiting {
                let outcome = outcome.as_ref().map(|(parts, _)| *parts);
                // Whoever has gone does not want to know.
                let _ = done.send(outcome.map_err(|failure| StoreError::from(failure.clone())));
            }
        }
    }

    /// Those who wait for what is to be done now; `None` when it is over.
    fn next_call(&self, patience: Option<Duration>) -> Option<Vec<oneshot::Sender<Result<u64>>>> {
        let mut calls = self.calls.lock();
        let nothing = |calls: &mut Calls| {
            !calls.called && calls.waiting.is_empty() && !self.is_over.load(Ordering::Relaxed)
        };
        match patience {
            Some(patience) => {
                let _ = self.called.wait_while_for(&mut calls, nothing, patience);
            }
            None => self.called.wait_while(&mut calls, nothing),
        }
        calls.called = false;
        let waiting = std::mem::take(&mut calls.waiting);
        (!self.is_over.load(Ordering::Relaxed)).then_some(waiting)
    }

    /// How many segments that were, and how long to wait for the next.
    fn archive_what_is_due(&self) -> Result<(u64, Option<Duration>), Failure> {
        let mut parts = 0;
        loop {
            let segment = match self.archive.due(Timestamp::now()) {
                Due::Now(segment) => segment,
                Due::In(time) => return Ok((parts, Some(time))),
                Due::Nothing => return Ok((parts, None)),
            };
            // It is the encoder of others that runs here, and the thread is wanted again.
            let archived = catch_unwind(AssertUnwindSafe(|| self.archive.archive(&segment, &self.is_over)));
            archived.unwrap_or_else(|_| Err(panicked(&segment)))?;
            parts += 1;
            drop(segment);
            self.archive.clear_away();
        }
    }
}
