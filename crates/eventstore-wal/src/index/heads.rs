use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use dashmap::DashMap;
use eventstore_api::Version;
use foldhash::fast::RandomState;

use super::SegmentStart;

/// The table of all streams: how long each is, and which segment holds its last events. One writer, any number of readers.
///
/// The one thing in memory that grows with the store, so names are kept as plain text: 32 bytes of table for a stream, and
/// its name.
#[derive(Default)]
pub(crate) struct Heads {
    by_stream: DashMap<Box<str>, Head, RandomState>,
    count: AtomicU64,
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
    /// Where a stream ends; `None` when it has no events.
    pub(crate) fn get(&self, stream: &str) -> Option<Head> {
        self.by_stream.get(stream).map(|head| *head)
    }

    /// Puts a stream's end where it is now. From one thread only.
    pub(crate) fn set(&self, stream: &str, head: Head) {
        if let Some(mut known) = self.by_stream.get_mut(stream) {
            *known = head;
            return;
        }
        self.by_stream.insert(stream.into(), head);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// The same of a stream that is most likely new: it is not looked for first.
    pub(crate) fn begin(&self, stream: &str, head: Head) {
        if self.by_stream.insert(stream.into(), head).is_none() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
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
