//! Whether somebody wants a command to come to its end.

use std::{io, process};

use tokio::sync::watch;

use crate::{aside::note, exit::Exit, failure::Failure};

/// Ctrl-C, and SIGTERM where there is such a thing: from when it listens, the first of them ends nothing by itself. The second ends
/// the program at once, wherever it is, as the first would have before.
pub(crate) struct Interrupted(watch::Receiver<bool>);

impl Interrupted {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let (told, is_told) = watch::channel(false);
        let mut signals = Signals::install()
            .map_err(|source| Failure::System { what: "cannot listen to signals", source })?;
        tokio::spawn(async move {
            signals.any().await;
            // It stays so, for whoever asks later.
            told.send_replace(true);
            note("interrupted, and comes to its end; a second signal ends it at once");
            // Not by way of whoever called: he may be waiting for what does not come.
            process::exit(signals.any().await.code().into());
        });
        Ok(Self(is_told))
    }

    /// Waits until it is so; it stays so.
    pub(crate) async fn wait(&mut self) {
        let _ = self.0.wait_for(|interrupted| *interrupted).await;
    }

    pub(crate) fn is_so(&self) -> bool {
        *self.0.borrow()
    }
}

/// Does this, unless a signal comes first: then what was begun is dropped, and takes with it what it would have left behind.
///
/// It is for what pauses before long: while that waits for something else than this program's runtime, no signal ends anything.
pub(crate) async fn unless_interrupted(
    work: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let mut signals =
        Signals::install().map_err(|source| Failure::System { what: "cannot listen to signals", source })?;
    tokio::select! {
        exit = signals.any() => Ok(exit),
        done = work => done,
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one: how it would have ended the program.
    async fn any(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn install() -> io::Result<Self> {
        Ok(Self)
    }

    async fn any(&mut self) -> Exit {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Exit::Interrupted
    }
}
