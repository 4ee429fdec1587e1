use std::{
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use eventstore_api::Result;
use parking_lot::Mutex;
#[cfg(feature = "parquet")]
use tokio::sync::oneshot;

use super::{Archivist, spawn};
use crate::log::{Log, SealWork, Space};

/// The thread that does what can wait, so that the writer need not: indexes of sealed segments, and room ahead.
#[derive(Debug)]
pub(super) struct Chores {
    /// Gone when there will be no more.
    handed_out: Mutex<Option<mpsc::Sender<Chore>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    archivist: Option<Arc<Archivist>>,
}

/// What can wait.
#[derive(Debug)]
enum Chore {
    Index(SealWork),
    Prepare(Arc<Space>, u64),
    /// Everything before is done, and whoever archives may go on.
    #[cfg(feature = "parquet")]
    Archive(oneshot::Sender<Result<u64>>),
}

impl Chores {
    pub(super) fn start(archivist: Option<Archivist>) -> Result<Self> {
        let (sender, chores) = mpsc::channel();
        let archivist = archivist.map(Arc::new);
        let called = archivist.clone();
        let thread = spawn("wal-chores", move || do_them(&chores, called.as_deref()))?;
        Ok(Self { handed_out: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)), archivist })
    }

    /// Has everything archived that is due when the chores before are done; 0 where nothing is archived.
    #[cfg(feature = "parquet")]
    pub(super) fn archive(&self, done: oneshot::Sender<Result<u64>>) {
        // Whoever waits is told that it is closed when the sender is gone.
        if let Some(sender) = &*self.handed_out.lock() {
            let _ = sender.send(Chore::Archive(done));
        }
    }

    /// Takes from the log what it has left for later.
    pub(super) fn take_from(&self, log: &mut Log) {
        let (space, end) = log.space();
        let is_short = space.is_short(end);
        let prepare = is_short.then(|| Chore::Prepare(Arc::clone(space), space.prepared() + 1));
        let mut indexes = log.take_seal_work();
        if prepare.is_none() && indexes.is_empty() {
            return;
        }
        if let Some(sender) = &*self.handed_out.lock() {
            for chore in indexes.drain(..).map(Chore::Index).chain(prepare) {
                if sender.send(chore).is_err() {
                    tracing::error!("the thread for chores has ended: indexes stay in memory from now on");
                }
            }
        }
    }

    /// Waits until everything that was handed out is done, and leaves off archiving. An error is a panic of a thread.
    pub(super) fn end(&self) -> thread::Result<()> {
        self.handed_out.lock().take();
        let thread = self.thread.lock().take();
        let done = thread.map_or(Ok(()), JoinHandle::join);
        let archived = self.archivist.as_ref().map_or(Ok(()), |archivist| archivist.end());
        done.and(archived)
    }
}

fn do_them(chores: &mpsc::Receiver<Chore>, archivist: Option<&Archivist>) {
    while let Ok(chore) = chores.recv() {
        match chore {
            // Where it fails, the index stays in memory.
            Chore::Index(work) => {
                if work.run().is_ok()
                    && let Some(archivist) = archivist
                {
                    archivist.call();
                }
            }
            #[cfg(feature = "parquet")]
            Chore::Archive(done) => match archivist {
                Some(archivist) => archivist.call_and_tell(done),
                None => drop(done.send(Ok(0))),
            },
            Chore::Prepare(space, through) => {
                if let Err(error) = space.prepare(through) {
                    tracing::warn!(%error, "cannot make room ahead of the writer");
                }
            }
        }
    }
}
