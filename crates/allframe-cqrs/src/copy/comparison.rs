use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use eventstore_api::{
    EventId, NewEvent, RecordedEvent, StreamId,
    limits::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS},
};

use super::{
    CopyCounts, Difference, DifferenceCause, DifferenceKind, EventPlace, VerifyReport, batch::CopyBatch,
    checksum::Checksum, limits::Limits, mark::Mark, staged::Staged,
};

/// What should stand in the target before a mark.
pub(super) struct Expected {
    batch: CopyBatch,
    /// Of which event of the source each is made.
    origins: HashMap<(StreamId, EventId), EventPlace>,
}

/// What stands in the target before a mark.
#[derive(Default)]
pub(super) struct Found {
    records: VecDeque<RecordedEvent>,
    bytes: usize,
}

impl Found {
    /// More than one append can hold: what came before that is not of the append that a mark ends.
    pub(super) const MOST: usize = MAX_BATCH_EVENTS;

    pub(super) fn push(&mut self, record: RecordedEvent) {
        self.bytes += record.payload.len();
        self.records.push_back(record);
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.bytes = 0;
    }

    /// Where the first of the events were that are not among the last so many, nor of those that fit into one append.
    pub(super) fn split_off_others(&mut self, ours: usize) -> Vec<EventPlace> {
        let mut others = Vec::new();
        while self.records.len() > ours || self.bytes > MAX_BATCH_BYTES {
            let Some(record) = self.records.pop_front() else { break };
            self.bytes -= record.payload.len();
            others.push(EventPlace::of(&record));
        }
        others
    }

    fn checksum(&self) -> Checksum {
        let mut checksum = Checksum::default();
        self.records.iter().for_each(|record| checksum.add_recorded(record));
        checksum
    }
}

impl Expected {
    pub(super) fn new(limits: Limits) -> Self {
        Self { batch: CopyBatch::new(limits), origins: HashMap::new() }
    }

    pub(super) fn take(&mut self, record: &RecordedEvent, staged: Staged) {
        for append in &staged.appends {
            let written = append.events.iter().map(|event| (append.stream.clone(), event.id));
            self.origins.extend(written.map(|written| (written, EventPlace::of(record))));
        }
        self.batch.take(record, staged);
    }

    pub(super) fn counts(&self) -> &CopyCounts {
        &self.batch.counts
    }

    /// Reports how what was found differs.
    pub(super) fn compare(&self, found: &Found, mark: &Mark, report: &mut VerifyReport) {
        let mut records = found.records.iter();
        let is_same = self.batch.events() == found.records.len()
            && self.batch.writes().all(|write| records.next().is_some_and(|record| is(write, record)));
        if is_same {
            return;
        }
        let transform_is_as_it_was = self.batch.checksum().finish() == mark.checksum;
        let target_is_as_it_was = found.checksum().finish() == mark.checksum;
        let cause = match (transform_is_as_it_was, target_is_as_it_was) {
            (true, _) => DifferenceCause::Target,
            (false, true) => DifferenceCause::Transform,
            (false, false) => DifferenceCause::Both,
        };
        let before = report.difference_count;
        for (stream, (expected, found)) in self.by_stream(found) {
            self.compare_stream(stream, &expected, &found, cause, report);
        }
        if report.difference_count == before {
            self.report_order(found, cause, report);
        }
    }

    /// Both of each stream: streams by name, so that two reports are alike.
    fn by_stream<'a>(
        &'a self,
        found: &'a Found,
    ) -> BTreeMap<&'a StreamId, (Vec<&'a NewEvent>, Vec<&'a RecordedEvent>)> {
        let mut streams: BTreeMap<&StreamId, (Vec<&NewEvent>, Vec<&RecordedEvent>)> = BTreeMap::new();
        for (stream, event) in self.batch.writes() {
            streams.entry(stream).or_default().0.push(event);
        }
        for record in &found.records {
            streams.entry(&record.stream).or_default().1.push(record);
        }
        streams
    }

    fn compare_stream(
        &self,
        stream: &StreamId,
        expected: &[&NewEvent],
        found: &[&RecordedEvent],
        cause: DifferenceCause,
        report: &mut VerifyReport,
    ) {
        let places: BTreeMap<EventId, usize> =
            found.iter().enumerate().map(|(place, record)| (record.id, place)).collect();
        let mut next = 0;
        for event in expected {
            let differs = |kind, target: Option<&RecordedEvent>| Difference {
                kind,
                cause,
                stream: stream.clone(),
                id: event.id,
                source: self.origin(stream, event.id),
                target: target.map(EventPlace::of),
            };
            match places.get(&event.id).and_then(|place| Some((*place, *found.get(*place)?))) {
                None => report.differs(differs(DifferenceKind::Missing, None)),
                Some((place, record)) => {
                    if place < next {
                        report.differs(differs(DifferenceKind::Order, Some(record)));
                    }
                    next = next.max(place + 1);
                    if let Some(part) = Difference::part(event, record) {
                        report.differs(differs(DifferenceKind::Changed(part), Some(record)));
                    }
                }
            }
        }
        let wanted: BTreeSet<EventId> = expected.iter().map(|event| event.id).collect();
        for record in found.iter().filter(|record| !wanted.contains(&record.id)) {
            report.differs(Difference {
                kind: DifferenceKind::Unexpected,
                cause,
                stream: stream.clone(),
                id: record.id,
                source: None,
                target: Some(EventPlace::of(record)),
            });
        }
    }

    /// Every stream is as it should be, and the order of all events is not.
    fn report_order(&self, found: &Found, cause: DifferenceCause, report: &mut VerifyReport) {
        let mut pairs = self.batch.writes().zip(&found.records);
        if let Some(((stream, event), record)) = pairs.find(|(write, record)| !is(*write, record)) {
            report.differs(Difference {
                kind: DifferenceKind::Order,
                cause,
                stream: stream.clone(),
                id: event.id,
                source: self.origin(stream, event.id),
                target: Some(EventPlace::of(record)),
            });
        }
    }

    fn origin(&self, stream: &StreamId, id: EventId) -> Option<EventPlace> {
        self.origins.get(&(stream.clone(), id)).cloned()
    }
}

fn is((stream, event): (&StreamId, &NewEvent), record: &RecordedEvent) -> bool {
    record.stream == *stream && record.same_content(event)
}
