//! Appending on the caller's own thread, where no sync has to be waited for: the way to another thread and back takes
//! longer than the append.

use std::iter;

use eventstore_api::{Result, StoreError};
use parking_lot::MutexGuard;

use super::{Place, Shared, WriterGone};
use crate::Engine;

/// How often someone takes up what others have left to him, before he leaves the rest to the writer: his own answer waits.
const ROUNDS: u32 = 8;

impl<E: Engine> Shared<E> {
    /// Appends, if nobody else is at it and it takes no waiting for the disk.
    pub(super) fn append_at_once(&self, request: &E::Request) -> Option<Result<E::Output>> {
        if !self.queue.is_empty() {
            return None;
        }
        let mut at_work = self.try_to_work()?;
        let taking = at_work.engine().filter(|engine| engine.takes_at_once(iter::once(request)));
        let answer = taking.map(|engine| {
            let answer = engine.commit(iter::once(request)).pop();
            engine.after_commit();
            answer.unwrap_or_else(|| Err(StoreError::outcome_unknown(WriterGone)))
        });
        drop(at_work);
        // Whatever became of it: someone may have relied on whoever had the engine.
        self.work_off();
        answer
    }

    /// Appends what waits, if nobody else is at it: whoever is at it does this before he goes. What takes waiting for the
    /// disk is left to the writer.
    pub(super) fn work_off(&self) {
        for _ in 0..ROUNDS {
            if self.queue.is_surely_empty() {
                return;
            }
            let Some(mut at_work) = self.try_to_work() else { return };
            let appends = at_work.engine().and_then(|engine| {
                self.queue
                    .take_if(|appends| engine.takes_at_once(appends.iter().map(|append| &append.request)))
                    .map(|appends| (engine, appends))
            });
            match appends {
                Some((engine, appends)) => self.commit(engine, appends),
                None => break,
            }
        }
        self.queue.call_writer();
    }

    fn try_to_work(&self) -> Option<AtWork<'_, E>> {
        self.place.try_lock().map(|place| AtWork { shared: self, place })
    }
}

impl<E> Place<E> {
    /// `None` when the store is closed, or someone has panicked with the engine.
    pub(super) fn usable(&mut self) -> Option<&mut E> {
        if self.has_panicked { None } else { self.engine.as_mut() }
    }
}

/// The engine in the hands of someone who appends on his own thread. If he panics nobody else works on it, and the writer
/// ends.
struct AtWork<'s, E: Engine> {
    shared: &'s Shared<E>,
    place: MutexGuard<'s, Place<E>>,
}

impl<E: Engine> AtWork<'_, E> {
    fn engine(&mut self) -> Option<&mut E> {
        self.place.usable()
    }
}

impl<E: Engine> Drop for AtWork<'_, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.place.has_panicked = true;
            self.shared.queue.call_writer();
        }
    }
}
