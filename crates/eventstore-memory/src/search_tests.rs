//! Every way of paging through a log, against looking at all of it.

use eventstore_api::{
    AppendBatch, Criterion, Direction, EventFilter, EventType, ExpectedVersion, NewEvent, PageRoom, StreamId,
    Tags,
};

use crate::{
    lists::Lists,
    log::Log,
    search::{Found, Search, Window},
    span::Span,
    streams::Streams,
    tags::TagIndex,
    writer::Writer,
};

const EVENTS: u64 = 300;
const LIMITS: std::ops::RangeInclusive<usize> = 1..=8;
const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Backward];

#[derive(Default)]
struct Store {
    log: Log,
    streams: Streams,
    tags: TagIndex,
}

#[test]
fn a_walk_finds_every_event_once_and_comes_to_the_end() {
    let store = Store::filled();
    for (name, filter) in filters() {
        let passing = store.passing(&filter);
        for (direction, window, limit) in reads() {
            let what = format!("{name}, {direction:?}, {window:?}, limit {limit}");
            let mut walked = store.walk(&filter, &passing, direction, window, limit, &what);
            if direction == Direction::Backward {
                walked.reverse();
            }
            assert_eq!(walked, passing, "{what}");
        }
    }
}

#[test]
fn a_page_from_anywhere_holds_what_passes_up_to_its_next() {
    let store = Store::filled();
    for (name, filter) in filters() {
        let passing = store.passing(&filter);
        for (direction, window, limit) in reads() {
            for at in [0, 1, 2, 49, 150, 251, EVENTS - 1, EVENTS, EVENTS + 1, EVENTS + 40, u64::MAX] {
                let what = format!("{name}, {direction:?}, {window:?}, limit {limit}, from {at}");
                let found = store.page(&filter, direction, window, limit, at);
                check_page(&found, &passing, direction, limit, at, &what);
            }
        }
    }
}

#[test]
fn a_page_that_is_neither_full_nor_the_last_has_used_up_its_window() {
    let store = Store::filled();
    let never = EventFilter::stream_prefix("nowhere-");
    for (direction, window, limit) in reads() {
        let (at, next) = match direction {
            Direction::Forward => (100, 100 + window.most as u64),
            Direction::Backward => (200, 200 - window.most as u64),
        };
        let found = store.page(&never, direction, window, limit, at);
        assert_eq!((found.next, found.end_reached), (next, false), "{direction:?}, {window:?}");
    }
}

#[test]
fn the_last_event_that_passes_is_found_however_small_the_window() {
    let store = Store::filled();
    for (name, filter) in filters() {
        let passing = store.passing(&filter);
        for window in windows() {
            for after in 0..=EVENTS + 1 {
                let last = passing.last().copied().filter(|&position| position > after);
                let found = store.search(&filter, window).last(Span::after(after, store.log.head()));
                assert_eq!(found, last, "{name}, {window:?}, after {after}");
            }
        }
    }
}

#[test]
fn criteria_share_one_window() {
    let store = Store::filled();
    for (name, filter) in filters() {
        let criteria = filter.criteria().map_or(0, <[_]>::len);
        for (direction, window) in DIRECTIONS.into_iter().flat_map(|d| [1, 2, 3, 7, 64].map(|w| (d, w))) {
            let span = Span::after(0, store.log.head());
            let Some(candidates) = store.lists().candidates(&filter, span, direction, window) else {
                continue;
            };
            assert!(candidates.positions.len() <= window.max(criteria), "{name}, {direction:?}, {window}");
        }
    }
}

#[test]
fn a_short_list_leaves_its_share_of_the_window_to_a_long_one() {
    let store = Store::filled();
    let (long, short) = (|| tagged("often:x"), || tagged("first:x"));
    for filter in [either(long(), short()), either(short(), long())] {
        let span = Span::after(0, store.log.head());
        let candidates = store.lists().candidates(&filter, span, Direction::Forward, 64).unwrap();
        // The first event carries both tags.
        assert_eq!(candidates.positions.len(), 63);
    }
}

#[test]
fn a_list_that_just_fits_the_window_is_searched_to_its_end() {
    let store = Store::filled();
    let filter = EventFilter::any_of([tagged("seldom:x").stream_prefix("nowhere-")]);
    let listed = store.passing(&EventFilter::any_of([tagged("seldom:x")])).len();
    for direction in DIRECTIONS {
        let end_reached = |count: usize| {
            let window = Window { listed: count, most: count };
            store
                .search(&filter, window)
                .page(Span::after(0, store.log.head()), direction, room(1))
                .end_reached
        };
        assert!(end_reached(listed) && !end_reached(listed - 1), "{direction:?}");
    }
}

#[test]
fn the_candidates_of_an_exact_stream_are_its_events() {
    let store = Store::filled();
    let filter = EventFilter::stream(stream(3));
    let span = Span::after(0, store.log.head());
    let candidates = store.lists().candidates(&filter, span, Direction::Forward, usize::MAX).unwrap();
    assert_eq!(candidates.positions, store.passing(&filter));
}

#[test]
fn a_search_through_an_index_looks_at_a_few_times_the_limit() {
    let store = Store::filled();
    let nothing = EventFilter::any_of([tagged("often:x").stream_prefix("nowhere-")]);
    let looked_at = |limit| {
        let window = Window { listed: 8, most: 100 };
        let found = store.page(&nothing, Direction::Forward, window, limit, 0);
        store.passing(&EventFilter::any_of([tagged("often:x")])).partition_point(|&at| at <= found.next)
    };
    assert_eq!([1, 2, 3, 10, 25, 26, usize::MAX].map(looked_at), [8, 8, 12, 40, 100, 100, 100]);
}

#[test]
fn an_empty_log_is_read_to_its_end() {
    let store = Store::default();
    for (name, filter) in filters() {
        for (direction, window, limit) in reads() {
            let found = store.page(&filter, direction, window, limit, 0);
            assert!(found.positions.is_empty() && found.end_reached && found.next == 0, "{name}");
        }
    }
}

fn windows() -> Vec<Window> {
    let fixed = [1, 2, 3, 7, 64].map(|count| Window { listed: count, most: count });
    fixed.into_iter().chain([Window { listed: 1, most: 64 }]).collect()
}

fn reads() -> impl Iterator<Item = (Direction, Window, usize)> {
    DIRECTIONS.into_iter().flat_map(|direction| {
        windows().into_iter().flat_map(move |window| LIMITS.map(move |limit| (direction, window, limit)))
    })
}

fn filters() -> Vec<(&'static str, EventFilter)> {
    let rare_type = || [event_type("Rare")];
    vec![
        ("everything", EventFilter::all()),
        ("nothing: no criteria", EventFilter::any_of([])),
        ("nothing: no types", EventFilter::types([])),
        ("nothing: an unknown tag", EventFilter::any_of([tagged("never:x")])),
        ("a frequent tag", EventFilter::any_of([tagged("often:x")])),
        ("a rare tag", EventFilter::any_of([tagged("seldom:x")])),
        ("two tags", EventFilter::tagged(Tags::parse(["often:x", "seldom:x"]).unwrap())),
        ("a frequent tag or a rare one", either(tagged("often:x"), tagged("seldom:x"))),
        ("a rare tag or a frequent one", either(tagged("seldom:x"), tagged("often:x"))),
        ("a frequent tag or an early one", either(tagged("often:x"), tagged("early:x"))),
        ("a frequent tag or a late one", either(tagged("often:x"), tagged("late:x"))),
        ("an early tag or a late one", either(tagged("early:x"), tagged("late:x"))),
        ("a frequent tag, rarely of the type", EventFilter::any_of([tagged("often:x").types(rare_type())])),
        ("the same twice", either(tagged("often:x"), tagged("often:x"))),
        ("a tag or a type", either(tagged("seldom:x"), Criterion::new().types(rare_type()))),
        ("a type", EventFilter::types(rare_type())),
        ("a stream", EventFilter::stream(stream(3))),
        ("an unknown stream", EventFilter::stream(StreamId::new("nowhere").unwrap())),
        ("a stream's events with a tag", EventFilter::any_of([tagged("often:x").stream(stream(3))])),
        ("a stream or a tag", either(Criterion::new().stream(stream(3)), tagged("late:x"))),
        ("a prefix", EventFilter::stream_prefix("even-")),
        ("a prefix of a tag's", EventFilter::any_of([tagged("often:x").stream_prefix("even-")])),
    ]
}

fn either(one: Criterion, other: Criterion) -> EventFilter {
    EventFilter::any_of([one, other])
}

fn tagged(tag: &'static str) -> Criterion {
    Criterion::new().tags(Tags::parse([tag]).unwrap())
}

fn event_type(name: &'static str) -> EventType {
    EventType::new(name).unwrap()
}

fn stream(number: u64) -> StreamId {
    let parity = if number.is_multiple_of(2) { "even" } else { "odd" };
    StreamId::new(format!("{parity}-{number}")).unwrap()
}

/// The event at a position, and its stream: regular enough to be read, scattered enough that lists do not run alike.
fn event_at(position: u64) -> (StreamId, NewEvent) {
    let scattered = position.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let carried = [
        ("first:x", position == 1),
        ("often:x", scattered.is_multiple_of(2) || position == 1),
        ("seldom:x", scattered.is_multiple_of(41) || position == EVENTS),
        ("early:x", position <= 50 && scattered.is_multiple_of(3)),
        ("late:x", position > 250 && scattered.is_multiple_of(3)),
    ];
    let tags = Tags::parse(carried.into_iter().filter(|&(_, carried)| carried).map(|(tag, _)| tag)).unwrap();
    let rare = scattered.is_multiple_of(23) || position == EVENTS;
    let event = NewEvent::new(event_type(if rare { "Rare" } else { "Usual" }), "").with_tags(tags);
    (stream(scattered % 7), event)
}

impl Store {
    fn filled() -> Self {
        let store = Self::default();
        let mut writer = Writer::default();
        for position in 1..=EVENTS {
            let (stream, event) = event_at(position);
            let batch = AppendBatch::single(stream, ExpectedVersion::Any, vec![event]);
            writer.append(batch, &store.log, &store.streams, &store.tags).unwrap();
        }
        store
    }

    fn lists(&self) -> Lists<'_> {
        Lists { tags: &self.tags, streams: &self.streams }
    }

    fn search<'a>(&'a self, filter: &'a EventFilter, window: Window) -> Search<'a> {
        Search { log: &self.log, lists: self.lists(), filter, window }
    }

    /// The positions of all events that pass, found without a search.
    fn passing(&self, filter: &EventFilter) -> Vec<u64> {
        (1..=self.log.head()).filter(|&position| filter.matches(self.log.event(position))).collect()
    }

    fn page(
        &self,
        filter: &EventFilter,
        direction: Direction,
        window: Window,
        limit: usize,
        at: u64,
    ) -> Found {
        let span = match direction {
            Direction::Forward => Span::after(at, self.log.head()),
            Direction::Backward => Span::before(at, self.log.head()),
        };
        self.search(filter, window).page(span, direction, room(limit))
    }

    fn walk(
        &self,
        filter: &EventFilter,
        passing: &[u64],
        direction: Direction,
        window: Window,
        limit: usize,
        what: &str,
    ) -> Vec<u64> {
        let mut at = match direction {
            Direction::Forward => 0,
            Direction::Backward => u64::MAX,
        };
        let mut walked = Vec::new();
        loop {
            let found = self.page(filter, direction, window, limit, at);
            check_page(&found, passing, direction, limit, at, what);
            walked.extend(found.positions);
            if found.end_reached {
                return walked;
            }
            at = found.next;
        }
    }
}

/// Room for so many events of any size.
fn room(events: usize) -> PageRoom {
    PageRoom::new(events, usize::MAX)
}

/// A page holds exactly what passes between where it starts and where it says to go on, and it gets on unless it came to
/// the end.
fn check_page(found: &Found, passing: &[u64], direction: Direction, limit: usize, at: u64, what: &str) {
    assert!(found.positions.len() <= limit, "{what}: {found:?}");
    let next = found.next;
    let mut expected: Vec<u64> = passing.to_vec();
    match direction {
        Direction::Forward => expected.retain(|&position| position > at && position <= next),
        Direction::Backward => {
            expected.retain(|&position| position < at && position >= next);
            expected.reverse();
        }
    }
    assert_eq!(found.positions, expected, "{what}: from {at} to {next}");
    match (direction, found.end_reached) {
        (Direction::Forward, true) => assert_eq!(next, at.max(EVENTS), "{what}: the end is the head"),
        (Direction::Forward, false) => assert!(next > at && next < EVENTS, "{what}: from {at} to {next}"),
        (Direction::Backward, true) => assert_eq!(next, 0, "{what}: the end is the beginning"),
        (Direction::Backward, false) => assert!(next < at && next > 1, "{what}: from {at} to {next}"),
    }
}
