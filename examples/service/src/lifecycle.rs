//! From the first request to the last: whether there is a studio already, and whether there still is one.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use crate::studio::Studio;

/// Where the process is. Cloning it gives another handle.
#[derive(Clone)]
pub(crate) struct Lifecycle {
    studio: Arc<OnceLock<Arc<Studio>>>,
    phase: watch::Sender<Phase>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The store is being opened, and what lies behind it.
    Starting,
    Serving,
    /// It has been asked to end, and serves whoever still comes.
    Draining,
    /// It takes no more requests, and ends with those that are under way.
    Ending,
}

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Serving => "serving",
            Self::Draining => "draining",
            Self::Ending => "ending",
        }
    }
}

impl Lifecycle {
    pub(crate) fn new() -> Self {
        Self { studio: Arc::default(), phase: watch::Sender::new(Phase::Starting) }
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// The studio, once it is open.
    pub(crate) fn studio(&self) -> Option<&Arc<Studio>> {
        self.studio.get()
    }

    /// From now on requests are carried out.
    pub(crate) fn opened(&self, studio: Arc<Studio>) {
        if self.studio.set(studio).is_ok() {
            self.enter(Phase::Serving);
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        tracing::info!(phase = phase.as_str(), "the service has come further");
        self.phase.send_replace(phase);
    }

    /// Waits until no more requests are taken.
    pub(crate) async fn ending(&self) {
        // The sender lives as long as this does.
        let _ = self.phase.subscribe().wait_for(|phase| *phase == Phase::Ending).await;
    }
}
