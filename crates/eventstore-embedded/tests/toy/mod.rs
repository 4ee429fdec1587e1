//! An engine on a `Vec`, which does what the requests of a test say.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]
#![allow(dead_code, reason = "not every test needs all of it")]

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, mpsc},
    task::{Context, Poll, Waker},
    thread::{self, ThreadId},
    time::Duration,
};

use eventstore_api::{Result, StoreError};
use eventstore_embedded::{Durability, Engine, Writer, WriterOptions};
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// How long something may take that does happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// No engine is idle so long in a test.
const LONG: Duration = Duration::from_secs(3_600);

/// What a request does while it is committed.
pub(crate) type Deed = Box<dyn Fn() + Send + Sync>;

pub(crate) struct Request {
    number: u32,
    deed: Option<Deed>,
    answered: bool,
}

pub(crate) fn request(number: u32) -> Request {
    Request { number, deed: None, answered: true }
}

impl Request {
    pub(crate) fn doing(self, deed: impl Fn() + Send + Sync + 'static) -> Self {
        Self { deed: Some(Box::new(deed)), ..self }
    }

    pub(crate) fn that_panics(self) -> Self {
        self.doing(|| panic!("on purpose"))
    }

    pub(crate) fn without_an_answer(self) -> Self {
        Self { answered: false, ..self }
    }

    /// Stays in the engine until it is let go.
    pub(crate) fn held(self) -> (Self, Hold) {
        let (let_go, until) = mpsc::channel::<()>();
        let (enter, entered) = oneshot::channel();
        let within = Mutex::new((Some(enter), until));
        let held = self.doing(move || {
            let mut within = within.lock();
            within.0.take().unwrap().send(()).unwrap();
            // Whoever lets go drops the other end.
            let _ = within.1.recv();
        });
        (held, Hold { entered: Some(entered), _let_go: let_go })
    }
}

/// A request that the engine is at. Dropping this lets it go.
pub(crate) struct Hold {
    entered: Option<oneshot::Receiver<()>>,
    _let_go: mpsc::Sender<()>,
}

impl Hold {
    /// Until the engine is at it.
    pub(crate) async fn entered(&mut self) {
        in_time(self.entered.take().unwrap()).await.unwrap();
    }
}

/// What the engine has seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) groups: Mutex<Vec<Vec<u32>>>,
    pub(crate) committed_by: Mutex<Vec<ThreadId>>,
    pub(crate) flushes: Mutex<u32>,
    pub(crate) told: Mutex<Vec<&'static str>>,
}

impl Seen {
    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.groups.lock().concat()
    }
}

#[derive(Default)]
pub(crate) struct Toy {
    pub(crate) seen: TellsWhenDropped,
    pub(crate) takes_at_once: bool,
    pub(crate) panics_when_closed: bool,
    pub(crate) after_commit: Option<Deed>,
    pub(crate) on_idle: Option<Deed>,
}

impl Toy {
    pub(crate) fn start(self, durability: Durability, queue_bytes: usize) -> (Writer<Self>, Arc<Seen>) {
        self.start_idle_after(durability, queue_bytes, LONG)
    }

    pub(crate) fn start_idle_after(
        self,
        durability: Durability,
        queue_bytes: usize,
        idle_after: Duration,
    ) -> (Writer<Self>, Arc<Seen>) {
        let (seen, told) = (Arc::clone(&self.seen.0), Arc::clone(&self.seen.0));
        let options = WriterOptions { thread_name: "toy-writer", durability, idle_after, queue_bytes };
        (Writer::start(self, options, move || told.told.lock().push("ended")).unwrap(), seen)
    }
}

impl Engine for Toy {
    type Request = Request;
    type Output = u32;

    fn commit<'r>(
        &mut self,
        requests: impl ExactSizeIterator<Item = &'r Request> + Clone,
    ) -> Vec<Result<u32>> {
        self.seen.0.groups.lock().push(requests.clone().map(|request| request.number).collect());
        self.seen.0.committed_by.lock().push(thread::current().id());
        for deed in requests.clone().filter_map(|request| request.deed.as_ref()) {
            deed();
        }
        requests.take_while(|request| request.answered).map(|request| Ok(request.number)).collect()
    }

    fn after_commit(&mut self) {
        if let Some(deed) = &self.after_commit {
            deed();
        }
    }

    fn flush(&mut self) -> Result<()> {
        *self.seen.0.flushes.lock() += 1;
        Ok(())
    }

    fn on_idle(&mut self) -> Result<()> {
        if let Some(deed) = &self.on_idle {
            deed();
        }
        Ok(())
    }

    fn has_failed(&self) -> bool {
        false
    }

    fn takes_at_once<'r>(&self, _: impl ExactSizeIterator<Item = &'r Request> + Clone) -> bool {
        self.takes_at_once
    }

    fn close(self) -> Result<()> {
        assert!(!self.panics_when_closed, "on purpose");
        self.seen.0.told.lock().push("closed");
        Ok(())
    }
}

#[derive(Default)]
pub(crate) struct TellsWhenDropped(Arc<Seen>);

impl Drop for TellsWhenDropped {
    fn drop(&mut self) {
        let on_its_thread = thread::current().name() == Some("toy-writer");
        self.0.told.lock().push(if on_its_thread { "dropped" } else { "dropped elsewhere" });
    }
}

/// A future that has gone as far as it comes without waiting: a request that it hands over is in the queue, if there is room.
pub(crate) fn begun<'f, T: 'f>(
    future: impl Future<Output = T> + 'f,
) -> Pin<Box<dyn Future<Output = T> + 'f>> {
    let mut future = Box::pin(future);
    let poll = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    match poll {
        Poll::Ready(outcome) => Box::pin(std::future::ready(outcome)),
        Poll::Pending => future,
    }
}

pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

pub(crate) fn is_unknown<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(StoreError::OutcomeUnknown { .. }))
}
