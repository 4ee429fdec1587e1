use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use eventstore_api::Result;
use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::Engine;

/// How long the writer stays awake for someone who is about to come back.
const AWAKE: Duration = Duration::from_micros(200);

/// What waits for the writer.
pub(super) struct Queue<E: Engine> {
    waiting: Mutex<Waiting<E>>,
    woken: Condvar,
    /// How many appends wait, to be looked at without the lock.
    length: AtomicUsize,
}

struct Waiting<E: Engine> {
    appends: Vec<Append<E>>,
    flushes: Vec<oneshot::Sender<Result<()>>>,
    /// Whether what waits takes the writer.
    called: bool,
    phase: Phase,
    /// With how many appends the writer wants to be woken; none while it is at work.
    wanted: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing more is taken, and what waits is still done.
    Closing,
    /// Nobody takes from the queue any more.
    Abandoned,
}

/// An append, and whoever waits for its answer.
pub(super) struct Append<E: Engine> {
    pub(super) request: E::Request,
    pub(super) answered: oneshot::Sender<Answered<E>>,
    /// How many permits it has taken of the room for what waits.
    pub(super) room: u32,
}

/// What became of a request, and the request, so that whoever made it gives back its memory while the writer goes on.
pub(super) struct Answered<E: Engine> {
    pub(super) answer: Result<E::Output>,
    pub(super) _spent: Option<E::Request>,
}

/// What the writer is to do next.
pub(super) struct Work<E: Engine> {
    pub(super) appends: Vec<Append<E>>,
    pub(super) flushes: Vec<oneshot::Sender<Result<()>>>,
    pub(super) closing: bool,
}

impl<E: Engine> Work<E> {
    pub(super) fn is_empty(&self) -> bool {
        self.appends.is_empty() && self.flushes.is_empty() && !self.closing
    }
}

impl<E: Engine> Queue<E> {
    pub(super) fn new() -> Self {
        let waiting = Waiting {
            appends: Vec::new(),
            flushes: Vec::new(),
            called: false,
            phase: Phase::Open,
            wanted: None,
        };
        Self { waiting: Mutex::new(waiting), woken: Condvar::new(), length: AtomicUsize::new(0) }
    }

    /// Hands an append over; false if the queue is closed.
    pub(super) fn push(&self, append: Append<E>) -> bool {
        self.push_all([append])
    }

    /// Hands appends over, one directly behind the other; false if the queue is closed.
    pub(super) fn push_all(&self, appends: impl IntoIterator<Item = Append<E>>) -> bool {
        let mut waiting = self.waiting.lock();
        if waiting.phase != Phase::Open {
            return false;
        }
        waiting.appends.extend(appends);
        let length = waiting.appends.len();
        self.length.store(length, Ordering::Release);
        let wake = waiting.wanted.is_some_and(|wanted| length >= wanted);
        drop(waiting);
        if wake {
            self.woken.notify_one();
        }
        true
    }

    /// Has the writer look at what waits, since nobody else can.
    pub(super) fn call_writer(&self) {
        self.waiting.lock().called = true;
        self.woken.notify_one();
    }

    /// Asks for a flush; false if the queue is closed.
    pub(super) fn push_flush(&self, done: oneshot::Sender<Result<()>>) -> bool {
        let mut waiting = self.waiting.lock();
        if waiting.phase != Phase::Open {
            return false;
        }
        waiting.flushes.push(done);
        drop(waiting);
        self.woken.notify_one();
        true
    }

    /// Takes no more, and has the writer finish what there is.
    pub(super) fn close(&self) {
        let mut waiting = self.waiting.lock();
        if waiting.phase == Phase::Open {
            waiting.phase = Phase::Closing;
        }
        drop(waiting);
        self.woken.notify_one();
    }

    /// Whether appends are still taken.
    pub(super) fn is_open(&self) -> bool {
        self.waiting.lock().phase == Phase::Open
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length.load(Ordering::Acquire) == 0
    }

    /// Whether no append waits. Under the lock, so that whoever lets go of the engine and then asks cannot miss one that was
    /// pushed by someone who still found the engine taken.
    pub(super) fn is_surely_empty(&self) -> bool {
        self.waiting.lock().appends.is_empty()
    }

    /// The appends that wait, if `take` says so.
    pub(super) fn take_if(&self, take: impl FnOnce(&[Append<E>]) -> bool) -> Option<Vec<Append<E>>> {
        let mut waiting = self.waiting.lock();
        if !take(&waiting.appends) {
            return None;
        }
        self.length.store(0, Ordering::Release);
        Some(std::mem::take(&mut waiting.appends))
    }

    /// Everything that waits, when nobody will take it any more. Dropping it tells those who wait.
    pub(super) fn abandon(&self) -> Work<E> {
        let mut waiting = self.waiting.lock();
        waiting.phase = Phase::Abandoned;
        self.take(&mut waiting)
    }

    /// What only the writer can do, as soon as there is anything, or nothing after `patience`.
    pub(super) fn next_call(&self, patience: Option<Duration>) -> Work<E> {
        let mut waiting = self.waiting.lock();
        self.wait(&mut waiting, patience, |waiting| waiting.is_urgent() || waiting.called);
        self.take(&mut waiting)
    }

    /// What is to be done, as soon as there is anything, or nothing after `patience`. While fewer appends wait than are
    /// `expected`, it waits for more of them, but not beyond `until`.
    pub(super) fn next(&self, expected: usize, until: Instant, patience: Option<Duration>) -> Work<E> {
        if expected == 1 {
            self.wait_awake(until.min(Instant::now() + AWAKE));
        }
        let mut waiting = self.waiting.lock();
        while !waiting.is_urgent() && waiting.appends.len() < expected {
            waiting.wanted = Some(expected);
            if self.woken.wait_until(&mut waiting, until).timed_out() {
                break;
            }
        }
        waiting.wanted = Some(1);
        self.wait(&mut waiting, patience, |waiting| waiting.is_urgent() || !waiting.appends.is_empty());
        waiting.wanted = None;
        self.take(&mut waiting)
    }

    /// Waits until it is so, but not longer than `patience`.
    fn wait(
        &self,
        waiting: &mut MutexGuard<'_, Waiting<E>>,
        patience: Option<Duration>,
        is_so: impl Fn(&Waiting<E>) -> bool,
    ) {
        let not_yet = |waiting: &mut Waiting<E>| !is_so(waiting);
        match patience {
            Some(patience) => {
                let _ = self.woken.wait_while_for(waiting, not_yet, patience);
            }
            None => self.woken.wait_while(waiting, not_yet),
        }
    }

    /// Waits without sleeping: whoever was answered a moment ago is back sooner than a sleeping thread is awake. The
    /// processor is his whenever he wants it.
    fn wait_awake(&self, until: Instant) {
        while self.is_empty() {
            std::thread::yield_now();
            if Instant::now() >= until {
                break;
            }
        }
    }

    fn take(&self, waiting: &mut Waiting<E>) -> Work<E> {
        self.length.store(0, Ordering::Release);
        waiting.called = false;
        Work {
            appends: std::mem::take(&mut waiting.appends),
            flushes: std::mem::take(&mut waiting.flushes),
            closing: waiting.phase != Phase::Open,
        }
    }
}

impl<E: Engine> Waiting<E> {
    fn is_urgent(&self) -> bool {
        self.phase != Phase::Open || !self.flushes.is_empty()
    }
}
