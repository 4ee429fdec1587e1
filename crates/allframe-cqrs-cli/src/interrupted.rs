//! Whether somebody wants a command to come to its end.

mod signals;

use std::{fs, future, io, path::PathBuf, process, sync::mpsc, thread, time::Duration};

use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
};

use self::signals::Signals;
use crate::{exit::Exit, failure::Failure, notes::note};

/// Ctrl-C, and SIGTERM where there is such a thing: from when it listens, the first of them ends nothing by itself. The second ends
/// the program at once, wherever it is, as the first would have before.
pub(crate) struct Interrupted(watch::Receiver<Option<Exit>>);

impl Interrupted {
    pub(crate) fn listen() -> Result<Self, Failure> {
        Self::to(Signals::install)
    }

    /// The same, and to the end of its terminal.
    pub(crate) fn listen_to_hangups_too() -> Result<Self, Failure> {
        Self::to(with_hangup)
    }

    fn to(install: fn() -> io::Result<Signals>) -> Result<Self, Failure> {
        let (tell, told) = watch::channel(None);
        Alone::listen(install, move |alone| {
            let exit = alone.next();
            // Before it is known: the end may come at once.
            note("interrupted, and comes to its end; a second signal ends it at once");
            // It stays so, for whoever asks later.
            tell.send_replace(Some(exit));
            let exit = alone.next();
            note("ended where it was");
            exit
        })?;
        Ok(Self(told))
    }

    /// Waits until it is so, and says how the program would have ended; it stays so.
    pub(crate) async fn wait(&mut self) -> Exit {
        let heard = self.0.wait_for(Option::is_some).await.map(|exit| *exit);
        match heard {
            Ok(Some(exit)) => exit,
            // Nobody listens any more.
            _ => future::pending().await,
        }
    }

    pub(crate) fn is_so(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// For tests: what was heard, and that nothing else will be.
    #[cfg(test)]
    #[cfg(feature = "memory")]
    pub(crate) fn heard(exit: Option<Exit>) -> Self {
        Self(watch::channel(exit).1)
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

/// How long a command that heard a signal may take to come to its end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The same for what may not pause, as it writes for a reader that does not go on: then it is ended where it is, a while after the
/// signal or by the next one, and leaves behind what it would have left before.
pub(crate) async fn soon_when_interrupted(
    work: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let (tell, told) = watch::channel(None);
    Alone::listen(with_hangup, move |alone| {
        let exit = alone.next();
        tell.send_replace(Some(exit));
        let exit = alone.next_within(PATIENCE).unwrap_or(exit);
        note("ended where it was");
        exit
    })?;
    let mut interrupted = Interrupted(told);
    tokio::select! {
        exit = interrupted.wait() => Ok(exit),
        done = work => done,
    }
}

/// For what does not pause: from now on a signal ends the program wherever it is, and removes the file first that is told here, or is
/// about to be. What is dropped instead has nothing to remove.
pub(crate) fn removed_when_interrupted() -> Result<mpsc::Sender<PathBuf>, Failure> {
    let (tell, told) = mpsc::channel::<PathBuf>();
    Alone::listen(with_hangup, move |alone| {
        let exit = alone.next();
        if let Ok(path) = told.recv() {
            // It may be in its place by now.
            let _ = fs::remove_file(path);
        }
        exit
    })?;
    Ok(tell)
}

fn with_hangup() -> io::Result<Signals> {
    Signals::install()?.with_hangup()
}

/// Who listens on a thread whose runtime has nothing else to do: that of the command may wait for what does not come.
struct Alone {
    runtime: Runtime,
    signals: Signals,
}

impl Alone {
    /// Begins to listen. The program ends as this says, once it does.
    fn listen(
        install: fn() -> io::Result<Signals>,
        until_the_end: impl FnOnce(&mut Self) -> Exit + Send + 'static,
    ) -> Result<(), Failure> {
        let (answer, answered) = mpsc::channel();
        let listen = move || match Self::new(install) {
            Ok(mut alone) => {
                let _ = answer.send(Ok(()));
                process::exit(until_the_end(&mut alone).code().into())
            }
            Err(error) => {
                let _ = answer.send(Err(error));
            }
        };
        let begun = thread::Builder::new().name("signals".to_owned()).spawn(listen);
        let listens =
            begun.and_then(|_| answered.recv().unwrap_or_else(|ended| Err(io::Error::other(ended))));
        listens.map_err(|source| Failure::System { what: "cannot listen to signals", source })
    }

    fn new(install: fn() -> io::Result<Signals>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let signals = runtime.block_on(async { install() })?;
        Ok(Self { runtime, signals })
    }

    /// Waits for the next signal: how it would have ended the program.
    fn next(&mut self) -> Exit {
        let Self { runtime, signals } = self;
        runtime.block_on(signals.any())
    }

    fn next_within(&mut self, patience: Duration) -> Option<Exit> {
        let Self { runtime, signals } = self;
        runtime.block_on(async { tokio::time::timeout(patience, signals.any()).await.ok() })
    }
}
