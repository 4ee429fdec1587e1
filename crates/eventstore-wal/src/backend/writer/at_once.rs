//! Appending on the caller's own thread, where no sync has to be waited for: the way to another thread and back takes
//! longer than the append.

use parking_lot::MutexGuard;

use super::Shared;
use crate::log::{Answer, Log, Request};

/// How often someone takes up what others have left to him, before he leaves the rest to the writer: his own answer waits.
const ROUNDS: u32 = 8;

impl Shared {
    /// Appends, if nobody else is at it and it takes no waiting for the disk.
    pub(super) fn append_at_once(&self, request: &Request) -> Option<Answer> {
        if !self.queue.is_empty() {
            return None;
        }
        let mut at_work = self.try_to_work()?;
        let answer = at_work.log().filter(|log| log.takes_at_once([request])).and_then(|log| {
            let answer = log.commit([request]).pop();
            self.chores.take_from(log);
            answer
        });
        drop(at_work);
        // Whatever became of it: someone may have relied on whoever had the log.
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
            let appends = at_work.log().and_then(|log| {
                self.queue
                    .take_if(|appends| log.takes_at_once(appends.iter().map(|append| &append.request)))
                    .map(|appends| (log, appends))
            });
            match appends {
                Some((log, appends)) => self.commit(log, appends),
                None => break,
            }
        }
        self.queue.call_writer();
    }

    fn try_to_work(&self) -> Option<AtWork<'_>> {
        self.log.try_lock().map(|place| AtWork { shared: self, place })
    }
}

/// The log in the hands of someone who appends on his own thread. If he panics nobody else works on it: it is gone, and
/// the writer ends.
struct AtWork<'s> {
    shared: &'s Shared,
    place: MutexGuard<'s, Option<Log>>,
}

impl AtWork<'_> {
    /// `None` when the store is closed.
    fn log(&mut self) -> Option<&mut Log> {
        self.place.as_mut()
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.place.take();
            self.shared.queue.call_writer();
        }
    }
}
