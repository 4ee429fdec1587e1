use std::{fmt, sync::Arc};

use futures_core::stream::BoxStream;
use tokio::sync::watch;

use super::ReplayProgress;
use crate::updates::updates;

/// What the one who holds the controls wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Run,
    Pause,
    Cancel,
}

/// The controls of a replay, apart from its outcome: for a button, a signal, or a page that shows how far it is.
///
/// Clones control the same replay. Keeping one does not keep the replay alive.
#[derive(Clone)]
pub struct ReplayControl {
    wish: Arc<watch::Sender<Wish>>,
    progress: watch::Receiver<ReplayProgress>,
}

impl ReplayControl {
    pub(super) fn new(progress: watch::Receiver<ReplayProgress>) -> Self {
        Self { wish: Arc::new(watch::Sender::new(Wish::Run)), progress }
    }

    pub(super) fn wishes(&self) -> watch::Receiver<Wish> {
        self.wish.subscribe()
    }

    /// How far the replay has come.
    #[must_use]
    pub fn progress(&self) -> ReplayProgress {
        *self.progress.borrow()
    }

    /// How far it has come now, and again whenever that changes. Whoever is slow misses what is in between, never the last
    /// one, after which the stream ends.
    #[must_use]
    pub fn updates(&self) -> BoxStream<'static, ReplayProgress> {
        updates(self.progress.clone(), |progress| progress.state.is_over())
    }

    /// Has the replay stand still before the next event, also one that it is waiting for now. It has done so once
    /// [`ReplayProgress::state`] says so. A pause does not count as time: what was due in three seconds, is due three
    /// seconds after the [resumption](Self::resume).
    pub fn pause(&self) {
        self.want(Wish::Pause);
    }

    /// Ends a pause.
    pub fn resume(&self) {
        self.want(Wish::Run);
    }

    /// Ends the replay before the next event, however long that would be waited for. The event in hand, if there is one,
    /// is taken in first.
    pub fn cancel(&self) {
        self.want(Wish::Cancel);
    }

    /// What was cancelled cannot be resumed.
    fn want(&self, wish: Wish) {
        self.wish.send_if_modified(|current| {
            let changes = *current != Wish::Cancel && *current != wish;
            if changes {
                *current = wish;
            }
            changes
        });
    }
}

impl fmt::Debug for ReplayControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayControl").field("progress", &self.progress()).finish_non_exhaustive()
    }
}
