//! When to end: the signals that ask for it.

use std::{io, process};

use tokio::sync::watch;

/// How a process ends that ctrl-c has ended.
const INTERRUPTED: i32 = 130;

/// Listens from now on. Later than that, a signal would end the process as it stands.
///
/// Who presses ctrl-c when the end has been asked for wants it at once, and gets it. Another SIGTERM changes nothing: whoever runs
/// processes sends more than one, and has SIGKILL.
pub(crate) fn listen() -> io::Result<Shutdown> {
    let (asked, told) = watch::channel(false);
    let mut signals = Signals::install()?;
    tokio::spawn(async move {
        signals.any().await;
        asked.send_replace(true);
        signals.interrupt().await;
        // Not by way of `main`, which may be waiting for what does not come. Nothing is lost that was acknowledged.
        process::exit(INTERRUPTED);
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

    #[cfg(test)]
    pub(crate) fn already_asked() -> Self {
        Self { told: watch::channel(true).1 }
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

    async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    async fn interrupt(&mut self) {
        let _ = self.interrupt.recv().await;
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn install() -> io::Result<Self> {
        Ok(Self)
    }

    async fn any(&mut self) {
        self.interrupt().await;
    }

    async fn interrupt(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
