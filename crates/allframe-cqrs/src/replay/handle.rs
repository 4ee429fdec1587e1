use std::{
    fmt,
    future::Future,
    ops::Deref,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use eventstore_api::GlobalPosition;
use tokio::task::JoinHandle;

use super::ReplayControl;
use crate::{Error, Panicked};

/// A replay that is under way, in a task of its own. Awaiting it gives what came of it; all that [`ReplayControl`] can do, it
/// can do too.
///
/// Dropping it ends the replay at the next point at which it waits for anything, which may be in the middle of a handler.
/// [`ReplayControl::cancel`] ends it between two events.
#[must_use = "dropping a replay ends it"]
pub struct Replay<T> {
    pub(super) control: ReplayControl,
    pub(super) task: JoinHandle<Result<Replayed<T>, ReplayError>>,
}

/// What came of a replay that did not fail.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayed<T> {
    /// The projection with all that was applied to it; nothing for a handler.
    pub state: T,
    /// Every event of the range up to here is in it, and none after: where another replay goes on.
    pub position: GlobalPosition,
    /// How many events were taken in.
    pub events: u64,
    /// Whether that was all.
    pub end: ReplayEnd,
}

/// Why a replay that did not fail came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayEnd {
    /// Everything in its range is done.
    Finished,
    /// It was [cancelled](ReplayControl::cancel).
    Cancelled,
}

/// A replay failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("a replay stopped behind position {position}, after {events} events")]
#[non_exhaustive]
pub struct ReplayError {
    /// Every event of the range up to here was taken in, and the one behind it was not, or in part.
    pub position: GlobalPosition,
    /// How many events were taken in.
    pub events: u64,
    /// What went wrong: [`Error::Apply`] or [`Error::Handle`] with the position of the event, [`Error::Decode`],
    /// [`Error::Store`], or [`Error::NoRuntime`] where the runtime has gone away.
    pub source: Error,
}

impl<T> Replay<T> {
    /// The controls, for somebody else while this is awaited.
    #[must_use]
    pub fn control(&self) -> ReplayControl {
        self.control.clone()
    }
}

impl<T> Deref for Replay<T> {
    type Target = ReplayControl;

    fn deref(&self) -> &ReplayControl {
        &self.control
    }
}

impl<T> Future for Replay<T> {
    type Output = Result<Replayed<T>, ReplayError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let replay = self.get_mut();
        Pin::new(&mut replay.task).poll(context).map(|joined| {
            joined.unwrap_or_else(|lost| {
                let progress = replay.control.progress();
                let position = progress.position;
                let source = match lost.try_into_panic() {
                    Ok(payload) => Error::Handle { position, source: Arc::new(Panicked::new(&*payload)) },
                    Err(_) => Error::NoRuntime,
                };
                Err(ReplayError { position, events: progress.events, source })
            })
        })
    }
}

impl<T> Drop for Replay<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<T> fmt::Debug for Replay<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("progress", &self.control.progress()).finish_non_exhaustive()
    }
}

// Without the state, which need not be `Debug`.
impl<T> fmt::Debug for Replayed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replayed")
            .field("position", &self.position)
            .field("events", &self.events)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}
