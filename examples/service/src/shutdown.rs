//! When to end: the signals that ask for it.

use std::io;

use tokio::sync::watch;

/// Listens from now on. Later than that, a signal would end the process as it stands.
pub(crate) fn listen() -> io::Result<Shutdown> {
    let (asked, told) = watch::channel(false);
    let signals = Signals::install()?;
    tokio::spawn(async move {
        signals.any().await;
        asked.send_replace(true);
        // Kept, so that who waits is not told twice.
        asked.closed().await;
    });
    Ok(Shutdown { told })
}

/// Whether the process was asked to end.
#[derive(Clone)]
pub(crate) struct Shutdown {
    told: watch::Receiver<bool>,
}

impl Shutdown {
    /// Waits until it is.
    pub(crate) async fn asked(&mut self) {
        // Without a listener nobody could ask any more, so that it ends too.
        let _ = self.told.wait_for(|asked| *asked).await;
    }
}

/// SIGTERM, from whoever runs the process, and ctrl-c, from who sits before it.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn any(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
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

    async fn any(self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
