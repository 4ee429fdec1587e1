use std::collections::HashMap;

use eventstore_api::{EventId, StreamId};
use parking_lot::Mutex;

/// How streams are, of what was appended in bulk before: as long as nobody else appends, the server need not look for them again,
/// which takes it a third of the time of a page.
#[derive(Debug, Default)]
pub(crate) struct KnownStreams(Mutex<Option<AsOf>>);

/// How streams are where the log ends so.
#[derive(Debug)]
pub(super) struct AsOf {
    pub(super) end: LogEnd,
    pub(super) streams: HashMap<StreamId, Stream>,
}

/// The last event. It is told by its id too: a server that has taken the place of another may not have all that this one had, and
/// come to the same position with other events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogEnd {
    pub(super) position: u64,
    pub(super) event: EventId,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    pub(super) id: i64,
    pub(super) version: u64,
}

/// Of how many streams it is kept: about 20 MB.
const MOST: usize = 100_000;

impl KnownStreams {
    /// How streams are where the log ends like this, as far as it is known. Whoever takes it puts it back once the append is
    /// committed; until then nobody else has it, and where the append fails nobody has it any more.
    pub(super) fn take(&self, end: Option<LogEnd>) -> HashMap<StreamId, Stream> {
        let known = self.0.lock().take();
        known.filter(|known| Some(known.end) == end).map(|known| known.streams).unwrap_or_default()
    }

    pub(super) fn put(&self, known: AsOf) {
        // Beyond that it would take memory without bound: the server is asked again for the streams of each page.
        let known = (known.streams.len() <= MOST).then_some(known);
        *self.0.lock() = known;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(streams: usize, end: LogEnd) -> KnownStreams {
        let named = |number: usize| StreamId::new(format!("s-{number}")).unwrap();
        let streams = (0..streams).map(|number| (named(number), Stream { id: 1, version: 1 })).collect();
        let known = KnownStreams::default();
        known.put(AsOf { end, streams });
        known
    }

    #[test]
    fn what_is_known_holds_for_one_end_of_the_log_and_one_append() {
        let end = LogEnd { position: 7, event: EventId::generate() };
        let other = LogEnd { position: 7, event: EventId::generate() };
        assert_eq!(known(3, end).take(Some(other)).len(), 0);
        assert_eq!(known(3, end).take(Some(LogEnd { position: 8, ..end })).len(), 0);
        assert_eq!(known(3, end).take(None).len(), 0);
        let known = known(3, end);
        assert_eq!(known.take(Some(end)).len(), 3);
        assert_eq!(known.take(Some(end)).len(), 0);
    }

    #[test]
    fn too_many_streams_are_not_kept() {
        let end = LogEnd { position: 7, event: EventId::generate() };
        assert_eq!(known(MOST, end).take(Some(end)).len(), MOST);
        assert_eq!(known(MOST + 1, end).take(Some(end)).len(), 0);
    }
}
