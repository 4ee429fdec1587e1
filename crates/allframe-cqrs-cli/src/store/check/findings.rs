use std::collections::{HashMap, HashSet};

use eventstore_api::{BackendStats, EventId, GlobalPosition, RecordedEvent, StreamId, Timestamp, Version};

use crate::store::{Place, Verdict};

/// How many places are shown: of a store of which nothing is right, not all have to be told.
const MOST_PLACES: usize = 1_000;

/// What has been seen so far.
#[derive(Default)]
pub(super) struct Findings {
    verdict: Verdict,
    streams: HashMap<StreamId, Stream>,
    /// By the number of the stream, which takes less than its name.
    ids: HashSet<(usize, EventId)>,
    position: GlobalPosition,
    recorded_at: Option<Timestamp>,
    /// How many events have been moved out of the store, from the beginning.
    moved_out: u64,
    places_left_out: u64,
}

struct Stream {
    number: usize,
    version: Version,
}

impl Findings {
    pub(super) fn of(counted: &BackendStats) -> Self {
        let moved_out = counted.head.get().saturating_sub(counted.total_events);
        Self { moved_out, position: GlobalPosition::new(moved_out), ..Self::default() }
    }

    /// How many were looked at.
    pub(super) fn events(&self) -> u64 {
        self.verdict.events
    }

    pub(super) fn look_at(&mut self, event: &RecordedEvent) {
        self.verdict.events += 1;
        self.verdict.bytes += event.payload.len() as u64;
        let place = || format!("position {}, stream `{}`", event.position, event.stream);

        let expected = self.position.get().saturating_add(1);
        if event.position.get() != expected {
            self.is_wrong(place(), format!("the next position is {expected}"));
        }
        self.position = event.position;

        if let Some(before) = self.recorded_at.filter(|before| event.recorded_at < *before) {
            let earlier = before.as_micros().abs_diff(event.recorded_at.as_micros());
            let detail = format!("it was recorded {earlier} us before the event that precedes it");
            self.is_wrong(place(), detail);
        }
        self.recorded_at = self.recorded_at.max(Some(event.recorded_at));

        let number = self.streams.len();
        let stream = self.streams.entry(event.stream.clone()).or_insert_with(|| {
            let first = if self.moved_out == 0 { Version::new(1) } else { event.version };
            Stream { number, version: Version::new(first.get().saturating_sub(1)) }
        });
        let expected = stream.version.next();
        stream.version = event.version;
        let number = stream.number;
        if event.version != expected {
            self.is_wrong(place(), format!("it is version {}, and the next is {expected}", event.version));
        }
        if !self.ids.insert((number, event.id)) {
            self.is_wrong(place(), format!("the id {} is in the stream already", event.id));
        }
    }

    /// The verdict on all that the store says it has.
    pub(super) fn against(mut self, counted: &BackendStats) -> Verdict {
        for (what, counted, read) in [
            ("events", counted.total_events, self.verdict.events),
            ("streams", counted.total_streams, self.streams.len() as u64),
            ("head", counted.head.get(), self.position.get()),
        ] {
            if counted != read {
                let detail = format!("the store says {counted}, and {read} was read");
                self.is_wrong(format!("stats, {what}"), detail);
            }
        }
        self.told(counted)
    }

    /// The verdict where it could not be read on behind this position, for damage there.
    pub(super) fn up_to(mut self, after: GlobalPosition, damage: Place, counted: &BackendStats) -> Verdict {
        self.verdict.damages.push(damage);
        self.verdict.notes.push(format!("what lies behind position {after} was not looked at"));
        self.told(counted)
    }

    /// The verdict on what was read.
    fn told(mut self, counted: &BackendStats) -> Verdict {
        self.verdict.streams = self.streams.len() as u64;
        self.verdict.snapshots = counted.total_snapshots;
        self.verdict.head = self.position.get();
        if self.moved_out > 0 {
            let (moved, first) = (self.moved_out, self.moved_out.saturating_add(1));
            let note =
                format!("{moved} events have been moved out of the store, which begins at position {first}");
            self.verdict.notes.push(note);
        }
        if self.places_left_out > 0 {
            self.verdict.notes.push(format!("damaged at {} more places", self.places_left_out));
        }
        self.verdict
    }

    fn is_wrong(&mut self, place: String, detail: String) {
        match self.verdict.damages.len() < MOST_PLACES {
            true => self.verdict.damages.push(Place { place, detail }),
            false => self.places_left_out += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use eventstore_api::{EventType, NewEvent, Placement};

    use super::*;

    /// An event of stream `s`, with its position, version and moment, and an id for each.
    fn event(position: u64, stream: &str, version: u64, micros: i64) -> RecordedEvent {
        NewEvent::new(EventType::new("T").unwrap(), "1").record(Placement {
            stream: StreamId::new(stream.to_owned()).unwrap(),
            version: Version::new(version),
            position: GlobalPosition::new(position),
            recorded_at: Timestamp::from_micros(micros),
        })
    }

    fn verdict(events: &[RecordedEvent], counted: (u64, u64, u64)) -> Vec<String> {
        let (total_events, streams, head) = counted;
        let counted = BackendStats::new(total_events, streams, 0, GlobalPosition::new(head));
        let mut found = Findings::of(&counted);
        events.iter().for_each(|event| found.look_at(event));
        let verdict = found.against(&counted);
        verdict.damages.into_iter().map(|Place { place, detail }| format!("{place}: {detail}")).collect()
    }

    fn sound() -> Vec<RecordedEvent> {
        vec![event(1, "a", 1, 5), event(2, "b", 1, 5), event(3, "a", 2, 6)]
    }

    #[test]
    fn what_is_right_is_not_found_wrong() {
        assert_eq!(verdict(&sound(), (3, 2, 3)), [""; 0]);
        assert_eq!(verdict(&[], (0, 0, 0)), [""; 0]);
    }

    #[test]
    fn an_event_that_is_missing_leaves_a_gap_in_positions_and_versions() {
        let mut events = sound();
        events.remove(0);
        assert_eq!(
            verdict(&events, (3, 2, 3)),
            [
                "position 2, stream `b`: the next position is 1",
                "position 3, stream `a`: it is version 2, and the next is 1",
                "stats, events: the store says 3, and 2 was read"
            ]
        );
    }

    #[test]
    fn an_event_that_comes_twice_is_found() {
        let mut events = sound();
        let mut again = events[2].clone();
        again.position = GlobalPosition::new(4);
        again.version = Version::new(3);
        let expected = format!("position 4, stream `a`: the id {} is in the stream already", again.id);
        events.push(again);
        assert_eq!(verdict(&events, (4, 2, 4)), [expected]);
    }

    #[test]
    fn the_same_id_may_be_in_another_stream() {
        let mut events = sound();
        events[1].id = events[0].id;
        assert_eq!(verdict(&events, (3, 2, 3)), [""; 0]);
    }

    #[test]
    fn time_that_runs_backwards_is_found_once() {
        let mut events = sound();
        events[1].recorded_at = Timestamp::from_micros(2);
        assert_eq!(
            verdict(&events, (3, 2, 3)),
            ["position 2, stream `b`: it was recorded 3 us before the event that precedes it"]
        );
    }

    #[test]
    fn no_number_that_is_read_is_too_great() {
        let far = [event(u64::MAX, "a", u64::MAX, i64::MAX), event(u64::MAX, "a", u64::MAX, i64::MIN)];
        let found = verdict(&far, (2, 1, u64::MAX));
        let earlier = format!("it was recorded {} us before", u64::MAX);
        assert!(found.iter().any(|place| place.contains(&earlier)), "{found:?}");
    }

    #[test]
    fn counts_that_are_not_what_was_read_are_found() {
        assert_eq!(
            verdict(&sound(), (4, 1, 4)),
            [
                "stats, events: the store says 4, and 3 was read",
                "stats, streams: the store says 1, and 2 was read",
                "stats, head: the store says 4, and 3 was read"
            ]
        );
    }

    #[test]
    fn a_store_may_begin_behind_what_was_moved_out_of_it() {
        let mut events = vec![event(11, "a", 5, 1), event(12, "b", 1, 1), event(13, "a", 6, 1)];
        assert_eq!(verdict(&events, (3, 2, 13)), [""; 0]);
        events.push(event(14, "a", 8, 1));
        assert_eq!(
            verdict(&events, (4, 2, 14)),
            ["position 14, stream `a`: it is version 8, and the next is 7"]
        );
    }

    #[test]
    fn of_a_store_of_which_nothing_is_right_not_every_place_is_told() {
        let mut found = Findings::default();
        for number in 0..1_500 {
            found.look_at(&event(1, "a", 7, number));
        }
        let verdict = found.against(&BackendStats::new(1_500, 1, 0, GlobalPosition::new(1)));
        assert_eq!(verdict.damages.len(), MOST_PLACES);
        assert_eq!(verdict.notes, ["damaged at 1999 more places"]);
    }
}
