//! The index of a segment, made on a thread of its own while more of the segment is read.

use std::{
    mem, panic,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use crate::{catalog::TakenUp, index::ActiveIndex};

/// How many events go to the thread at a time, about: enough that handing them over costs little beside noting them.
const AT_ONCE: usize = 1_024;
/// How many times so many may wait there.
const AHEAD: usize = 2;

/// What notes frames in the index of their segment, in their order.
#[derive(Default)]
pub(super) struct Indexing {
    /// Frames that are not handed over yet, and the index they belong to.
    gathered: Vec<(Arc<ActiveIndex>, TakenUp)>,
    events: usize,
    /// None until there is enough to do, nor where the system gives no thread.
    thread: Option<Thread>,
}

struct Thread {
    steps: SyncSender<Step>,
    handle: JoinHandle<()>,
}

enum Step {
    Note(Vec<(Arc<ActiveIndex>, TakenUp)>),
    /// Tells that everything before is noted.
    Tell(SyncSender<()>),
}

impl Indexing {
    pub(super) fn note(&mut self, index: &Arc<ActiveIndex>, taken: TakenUp) {
        self.events += taken.events();
        self.gathered.push((Arc::clone(index), taken));
        if self.events >= AT_ONCE {
            self.hand_over();
        }
    }

    /// Waits until everything is noted.
    pub(super) fn wait(&mut self) {
        if self.thread.is_none() {
            note(self.take());
            return;
        }
        self.hand_over();
        let (tell, told) = sync_channel(1);
        self.send(Step::Tell(tell));
        if told.recv().is_err() {
            self.panic();
        }
    }

    fn hand_over(&mut self) {
        let gathered = self.take();
        if self.thread.is_none() {
            self.thread = Thread::start();
        }
        match self.thread {
            Some(_) => self.send(Step::Note(gathered)),
            None => note(gathered),
        }
    }

    fn take(&mut self) -> Vec<(Arc<ActiveIndex>, TakenUp)> {
        self.events = 0;
        mem::take(&mut self.gathered)
    }

    fn send(&mut self, step: Step) {
        let is_taken = self.thread.as_ref().is_none_or(|thread| thread.steps.send(step).is_ok());
        if !is_taken {
            self.panic();
        }
    }

    /// The thread has ended before its time: as it has, so does this one.
    fn panic(&mut self) {
        if let Some(Err(cause)) = self.thread.take().map(Thread::join) {
            panic::resume_unwind(cause);
        }
    }
}

impl Drop for Indexing {
    fn drop(&mut self) {
        // Whoever was interested has waited.
        let _ = self.thread.take().map(Thread::join);
    }
}

impl Thread {
    fn start() -> Option<Self> {
        let (steps, received) = sync_channel(AHEAD);
        let builder = thread::Builder::new().name("eventstore-verify".to_owned());
        let handle = builder.spawn(move || run(&received)).ok()?;
        Some(Self { steps, handle })
    }

    fn join(self) -> thread::Result<()> {
        drop(self.steps);
        self.handle.join()
    }
}

fn run(steps: &Receiver<Step>) {
    for step in steps {
        match step {
            Step::Note(taken) => note(taken),
            Step::Tell(told) => drop(told.send(())),
        }
    }
}

fn note(taken: Vec<(Arc<ActiveIndex>, TakenUp)>) {
    taken.iter().for_each(|(index, taken)| taken.note_in(index));
}
