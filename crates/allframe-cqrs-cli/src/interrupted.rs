//! Whether somebody wants a command to come to its end.

use std::{fs, io, path::PathBuf, process, sync::mpsc, thread};

use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
};

use crate::{exit::Exit, failure::Failure, notes::note};

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
    let mut signals = Signals::install()
        .and_then(Signals::with_hangup)
        .map_err(|source| Failure::System { what: "cannot listen to signals", source })?;
    tokio::select! {
        exit = signals.any() => Ok(exit),
        done = work => done,
    }
}

/// For what does not pause: from now on a signal ends the program wherever it is, and removes the file first that is told here, or is
/// about to be. What is dropped instead has nothing to remove.
pub(crate) fn removed_when_interrupted() -> Result<mpsc::Sender<PathBuf>, Failure> {
    let (tell, told) = mpsc::channel::<PathBuf>();
    let (answer, answered) = mpsc::channel();
    let listen = move || match listening_alone() {
        Ok((runtime, mut signals)) => {
            let _ = answer.send(Ok(()));
            let exit = runtime.block_on(signals.any());
            if let Ok(path) = told.recv() {
                // It may be in its place by now.
                let _ = fs::remove_file(path);
            }
            process::exit(exit.code().into())
        }
        Err(error) => {
            let _ = answer.send(Err(error));
        }
    };
    let begun = thread::Builder::new().name("signals".to_owned()).spawn(listen);
    let listens = begun.and_then(|_| answered.recv().unwrap_or_else(|ended| Err(io::Error::other(ended))));
    listens.map_err(|source| Failure::System { what: "cannot listen to signals", source })?;
    Ok(tell)
}

/// On a thread whose runtime has nothing else to do.
fn listening_alone() -> io::Result<(Runtime, Signals)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let signals = runtime.block_on(async { Signals::install()?.with_hangup() })?;
    Ok((runtime, signals))
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, hangup: None })
    }

    /// The end of the terminal too, unless the program is to outlive that (`nohup`): to listen would end it then.
    fn with_hangup(self) -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = match outlives_its_terminal() {
            true => None,
            false => Some(signal(SignalKind::hangup())?),
        };
        Ok(Self { hangup, ..self })
    }

    /// Waits for the next one: how it would have ended the program.
    async fn any(&mut self) -> Exit {
        let Self { interrupt, terminate, hangup } = self;
        let hung_up = async {
            match hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => Exit::Interrupted,
            _ = terminate.recv() => Exit::Terminated,
            _ = hung_up => Exit::HungUp,
        }
    }
}

/// Whether the end of its terminal is ignored; so it counts where that cannot be known.
#[cfg(unix)]
fn outlives_its_terminal() -> bool {
    const HANGUP: u64 = 1;
    // Linux alone has it. The mask begins with signal 1.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_none_or(|mask| mask & HANGUP != 0)
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn install() -> io::Result<Self> {
        Ok(Self)
    }

    fn with_hangup(self) -> io::Result<Self> {
        Ok(self)
    }

    async fn any(&mut self) -> Exit {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Exit::Interrupted
    }
}
