use eventstore_api::{EventId, Timestamp};
use parking_lot::Mutex;

use super::streams::Streams;

/// How streams are, of what was appended in bulk before: as long as nobody else appends, the server need not look for them again,
/// which takes it a third of the time of a page.
#[derive(Debug, Default)]
pub(crate) struct KnownStreams(Mutex<Option<AsOf>>);

/// How streams were in a turn to append, in which the log came to end so.
#[derive(Debug)]
pub(super) struct AsOf {
    pub(super) end: LogEnd,
    /// What the server's clock said in the turn.
    pub(super) turn: Timestamp,
    pub(super) streams: Streams,
}

/// The last event, and where that was seen. Told by its id too: a log that has lost its end can come to the same position with other
/// events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogEnd {
    pub(super) position: u64,
    pub(super) event: EventId,
    /// When the server was started, which tells one from another that takes its place.
    pub(super) server_started: Timestamp,
    /// The server's number of the table of streams. A store that was dropped, and filled anew with the same events, has another.
    pub(super) streams_table: u64,
}

/// Of how many streams it is kept, each of which takes its name and about 100 bytes.
const MOST: usize = 100_000;
/// The same in a bulk load, where it takes to read the whole log to find a stream again.
const MOST_IN_A_BULK_LOAD: usize = 1_000_000;

impl KnownStreams {
    /// How streams are where the log ends like this, as far as it is known. Whoever takes it puts it back once the append is
    /// committed; until then nobody else has it, and where the append fails nobody has it any more.
    ///
    /// It holds for a session that began before it was known. A server that goes down, and may lose the end of its log, ends every
    /// session; and whoever restores that end again brings the same events, but streams are numbered anew.
    pub(super) fn take(&self, end: Option<LogEnd>, session_began: Option<Timestamp>) -> Streams {
        let known = self.0.lock().take();
        let known = known.filter(|known| Some(known.end) == end);
        let known = known.filter(|known| session_began.is_some_and(|began| began < known.turn));
        known.map(|known| known.streams).unwrap_or_default()
    }

    pub(super) fn put(&self, known: AsOf, is_bulk_load: bool) {
        let most = if is_bulk_load { MOST_IN_A_BULK_LOAD } else { MOST };
        // Beyond that it would take memory without bound, and begins anew with the next page.
        let known = (known.streams.len() <= most).then_some(known);
        *self.0.lock() = known;
    }
}

#[cfg(test)]
mod tests {
    use eventstore_api::StreamId;

    use super::*;

    const TURN: Timestamp = Timestamp::from_micros(1_000);
    const BEFORE: Option<Timestamp> = Some(Timestamp::from_micros(999));

    fn end() -> LogEnd {
        let server_started = Timestamp::from_micros(5);
        LogEnd { position: 7, event: EventId::generate(), server_started, streams_table: 3 }
    }

    fn known(count: usize, end: LogEnd) -> KnownStreams {
        known_in(count, end, false)
    }

    fn known_in(count: usize, end: LogEnd, is_bulk_load: bool) -> KnownStreams {
        let named = |number: usize| StreamId::new(format!("s-{number}")).unwrap();
        let mut streams = Streams::default();
        for number in 0..count {
            streams.slot_of(&named(number));
        }
        let known = KnownStreams::default();
        known.put(AsOf { end, turn: TURN, streams }, is_bulk_load);
        known
    }

    #[test]
    fn what_is_known_holds_for_one_end_of_one_log_and_one_append() {
        let end = end();
        let others = [
            LogEnd { event: EventId::generate(), ..end },
            LogEnd { position: 8, ..end },
            LogEnd { server_started: Timestamp::from_micros(6), ..end },
            LogEnd { streams_table: 4, ..end },
        ];
        for other in others.map(Some).into_iter().chain([None]) {
            assert_eq!(known(3, end).take(other, BEFORE).len(), 0, "{other:?}");
        }
        let known = known(3, end);
        assert_eq!(known.take(Some(end), BEFORE).len(), 3);
        assert_eq!(known.take(Some(end), BEFORE).len(), 0);
    }

    #[test]
    fn a_session_that_began_later_knows_nothing() {
        let end = end();
        for began in [Some(TURN), Some(Timestamp::from_micros(1_001)), None] {
            assert_eq!(known(3, end).take(Some(end), began).len(), 0, "{began:?}");
        }
    }

    #[test]
    fn too_many_streams_are_not_kept() {
        let end = end();
        assert_eq!(known(MOST, end).take(Some(end), BEFORE).len(), MOST);
        assert_eq!(known(MOST + 1, end).take(Some(end), BEFORE).len(), 0);
        assert_eq!(known_in(MOST + 1, end, true).take(Some(end), BEFORE).len(), MOST + 1);
        let too_many = MOST_IN_A_BULK_LOAD + 1;
        assert_eq!(known_in(too_many, end, true).take(Some(end), BEFORE).len(), 0);
    }
}
