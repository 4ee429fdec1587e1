use std::{
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use eventstore_api::Result;
use parking_lot::Mutex;

use super::spawn;
use crate::log::{Log, SealWork, Space};

/// The thread that does what can wait, so that the writer need not: indexes of sealed segments, and room ahead.
#[derive(Debug)]
pub(super) struct Chores {
    /// Gone when there will be no more.
    handed_out: Mutex<Option<mpsc::Sender<Chore>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What can wait.
#[derive(Debug)]
enum Chore {
    Index(SealWork),
    Prepare(Arc<Space>, u64),
}

impl Chores {
    pub(super) fn start() -> Result<Self> {
        let (sender, chores) = mpsc::channel();
        let thread = spawn("wal-chores", move || do_them(&chores))?;
        Ok(Self { handed_out: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
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

    /// Waits until everything that was handed out is done. An error is a panic of the thread.
    pub(super) fn end(&self) -> thread::Result<()> {
        self.handed_out.lock().take();
        let thread = self.thread.lock().take();
        thread.map_or(Ok(()), JoinHandle::join)
    }
}

fn do_them(chores: &mpsc::Receiver<Chore>) {
    while let Ok(chore) = chores.recv() {
        match chore {
            // Where it fails, the index stays in memory.
            Chore::Index(work) => drop(work.run()),
            Chore::Prepare(space, through) => {
                if let Err(error) = space.prepare(through) {
                    tracing::warn!(%error, "cannot make room ahead of the writer");
                }
            }
        }
    }
}
