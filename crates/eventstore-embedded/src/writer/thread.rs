//! What the thread of the writer does.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use eventstore_api::StoreError;

use super::{Shared, queue::Work, rhythm::Rhythm};
use crate::{Durability, Engine, Panicked};

/// However it comes to its end, nobody waits for it in vain.
pub(super) fn run<E: Engine>(shared: &Shared<E>, ended: impl FnOnce()) {
    // A panic is told to everybody, here, and nothing of what it may have left half done is used again.
    let has_panicked = catch_unwind(AssertUnwindSafe(|| write(shared))).is_err();
    let (engine, has_panicked) = {
        let mut place = shared.place.lock();
        (place.engine.take(), place.has_panicked || has_panicked)
    };
    if has_panicked {
        // Before those who wait are woken, so that they are told.
        *shared.closed.lock() = Some(Err(StoreError::storage(Panicked)));
    }
    drop(shared.queue.abandon());
    shared.room.close();
    let closing = AssertUnwindSafe(|| match engine {
        Some(engine) if !has_panicked => engine.close(),
        given_up => {
            drop(given_up);
            Err(StoreError::storage(Panicked))
        }
    });
    let closed = catch_unwind(closing).unwrap_or_else(|_| Err(StoreError::storage(Panicked)));
    *shared.closed.lock() = Some(closed);
    ended();
}

fn write<E: Engine>(shared: &Shared<E>) {
    let mut rhythm = Rhythm::new();
    loop {
        let (expected, until) = rhythm.expectation();
        let patience = shared.patience(&rhythm);
        let work = match shared.durability {
            Durability::Always => shared.queue.next(expected, until, patience),
            _ => shared.queue.next_call(patience),
        };
        let closing = work.closing;
        {
            let mut place = shared.place.lock();
            let Some(engine) = place.usable() else { return };
            shared.work(engine, work, &mut rhythm);
        }
        if closing {
            return;
        }
        if shared.durability != Durability::Always {
            shared.work_off();
        }
    }
}

impl<E: Engine> Shared<E> {
    /// What the thread does with the engine once it has been woken.
    fn work(&self, engine: &mut E, work: Work<E>, rhythm: &mut Rhythm) {
        if work.is_empty() {
            let keeps_an_interval = matches!(self.durability, Durability::Interval(_));
            if keeps_an_interval && !rhythm.is_due(self.durability) {
                // Called for what someone else has done meanwhile: no reason for a sync before its time.
                return;
            }
            on_idle(engine);
            rhythm.flushed(true);
            rhythm.is_over = engine.has_failed();
            return;
        }
        let Work { appends, flushes, .. } = work;
        let answered = appends.len();
        let began = Instant::now();
        self.commit(engine, appends);
        rhythm.answered(answered, began);
        if !flushes.is_empty() || rhythm.is_due(self.durability) {
            let outcome = engine.flush();
            rhythm.flushed(false);
            for done in flushes {
                let _ = done.send(outcome.clone());
            }
        }
    }

    /// How long the thread waits for work before it looks after itself; `None`: until there is some.
    fn patience(&self, rhythm: &Rhythm) -> Option<Duration> {
        match self.durability {
            _ if rhythm.is_over => None,
            Durability::Interval(interval) => Some(rhythm.until_due(interval)),
            _ if rhythm.is_idle => None,
            _ => Some(self.idle_after),
        }
    }
}

/// Nothing waits: the engine may look after itself.
fn on_idle<E: Engine>(engine: &mut E) {
    if engine.has_failed() {
        // It was said when it came about.
        return;
    }
    if let Err(error) = engine.on_idle() {
        tracing::warn!(%error, "the idle store could not be made durable");
    }
}
