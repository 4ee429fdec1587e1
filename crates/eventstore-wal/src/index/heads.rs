use std::{
    collections::VecDeque,
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use dashmap::DashMap;
use eventstore_api::Version;
use foldhash::fast::RandomState;
use parking_lot::Mutex;

use super::{Previous, SegmentIndex, SegmentStart};

/// The table of all streams: how long each is, and which segment holds its last events. One writer, any number of readers.
///
/// The one thing in memory that grows with the store, so names are kept as plain text: 32 bytes of table for a stream, and
/// its name. Whoever only reads may never ask for a stream: what indexes in files know of it can wait there until he does, or
/// until there are new events. As long as anything waits, nobody but [`settle`](Self::settle) puts anything in.
#[derive(Default)]
pub(crate) struct Heads {
    by_stream: DashMap<Box<str>, Head, RandomState>,
    /// Of all of them, also of those that wait.
    count: AtomicU64,
    /// Segments whose streams are counted and not in the table, in the order of the log.
    waiting: Mutex<VecDeque<SegmentStart>>,
    is_waited_for: AtomicBool,
}

/// Where a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The version of its last event.
    pub(crate) version: Version,
    /// The segment that holds its last event.
    pub(crate) segment: SegmentStart,
}

impl Heads {
    /// Puts in how far each stream has come in a segment that is behind all that were put in before.
    pub(crate) fn take_up(&self, segment: SegmentStart, index: &dyn SegmentIndex) -> io::Result<()> {
        index.streams(&mut |stream, part| {
            let head = Head { version: part.last_version(), segment };
            match part.previous {
                Previous::None => self.begin(stream, head),
                Previous::Segment(_) | Previous::Unknown => self.set(stream, head),
            }
        })
    }

    /// Counts the streams that begin in such a segment, so many, and puts in how far each has come there when they are
    /// [settled](Self::settle).
    pub(crate) fn take_up_later(&self, segment: SegmentStart, begun: u64) {
        let mut waiting = self.waiting.lock();
        waiting.push_back(segment);
        self.count.fetch_add(begun, Ordering::Relaxed);
        self.is_waited_for.store(true, Ordering::Release);
    }

    /// Whether all streams are in the table.
    pub(crate) fn is_settled(&self) -> bool {
        !self.is_waited_for.load(Ordering::Acquire)
    }

    /// Puts all streams into the table, as the indexes of their segments have them; before anything is looked for in it or put
    /// into it. What goes wrong with one of these leaves the rest for another time.
    pub(crate) fn settle(
        &self,
        index_of: impl Fn(SegmentStart) -> Option<Arc<dyn SegmentIndex>>,
    ) -> io::Result<()> {
        let mut waiting = self.waiting.lock();
        while let Some(&segment) = waiting.front() {
            let index = index_of(segment).ok_or(io::ErrorKind::NotFound)?;
            index.streams(&mut |stream, part| {
                let head = Head { version: part.last_version(), segment };
                // It is counted.
                self.put(stream, head, part.previous == Previous::None);
            })?;
            waiting.pop_front();
        }
        self.is_waited_for.store(false, Ordering::Release);
        Ok(())
    }

    /// Where a stream ends; `None` when it has no events.
    pub(crate) fn get(&self, stream: &str) -> Option<Head> {
        self.by_stream.get(stream).map(|head| *head)
    }

    /// Puts a stream's end where it is now. From one thread only.
    pub(crate) fn set(&self, stream: &str, head: Head) {
        if self.put(stream, head, false) {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The same of a stream that is most likely new: it is not looked for first.
    fn begin(&self, stream: &str, head: Head) {
        if self.put(stream, head, true) {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Puts it into the table; whether it was not there. One that most likely is not is not looked for first.
    fn put(&self, stream: &str, head: Head, is_likely_new: bool) -> bool {
        if !is_likely_new && let Some(mut known) = self.by_stream.get_mut(stream) {
            *known = head;
            return false;
        }
        self.by_stream.insert(stream.into(), head).is_none()
    }

    /// How many streams there are.
    pub(crate) fn len(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Heads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heads").field("streams", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use eventstore_api::Version;

    use super::{Head, Heads};
    use crate::index::SegmentStart;

    #[test]
    fn a_head_moves_on_and_a_stream_counts_once() {
        let heads = Heads::default();
        let head =
            |version, segment| Head { version: Version::new(version), segment: SegmentStart::new(segment) };
        assert_eq!(heads.get("a"), None);
        heads.set("a", head(1, 1));
        heads.set("b", head(7, 1));
        heads.set("a", head(2, 100));
        assert_eq!(heads.get("a"), Some(head(2, 100)));
        heads.begin("c", head(1, 100));
        heads.begin("b", head(8, 100));
        assert_eq!(heads.get("b"), Some(head(8, 100)));
        assert_eq!(heads.len(), 3);
    }
}
