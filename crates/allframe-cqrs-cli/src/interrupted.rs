//! Whether somebody wants a command to come to its end.

use tokio::sync::watch;

use crate::failure::Failure;

/// Ctrl-C, and SIGTERM where there is such a thing: from when it listens, they end nothing by themselves.
pub(crate) struct Interrupted(watch::Receiver<bool>);

impl Interrupted {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let (told, is_told) = watch::channel(false);
        let mut signals = Signals::install()
            .map_err(|source| Failure::System { what: "cannot listen to signals", source })?;
        tokio::spawn(async move {
            signals.any().await;
            told.send_replace(true);
            // It stays so, for whoever asks later.
            told.closed().await;
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

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn install() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn install() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn any(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
