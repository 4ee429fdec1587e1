use std::collections::HashMap;

use eventstore_api::{NewEvent, RecordedEvent, StreamAppend, StreamId};

use super::{
    EventPlace,
    checksum::Checksum,
    limits::{CopyOrder, Limits},
    report::CopyCounts,
    staged::Staged,
};

/// What is going to be one append: what has become of consecutive events of the source.
pub(super) struct CopyBatch {
    limits: Limits,
    appends: Vec<StreamAppend>,
    /// Where in these a stream is.
    places: HashMap<StreamId, usize>,
    /// What of the source it is about.
    pub(super) counts: CopyCounts,
    /// The last event of the source that it is about.
    pub(super) last: Option<EventPlace>,
    events: usize,
    bytes: usize,
}

impl CopyBatch {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            appends: Vec::new(),
            places: HashMap::new(),
            counts: CopyCounts::default(),
            last: None,
            events: 0,
            bytes: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// How many events it writes.
    pub(super) fn events(&self) -> usize {
        self.events
    }

    /// Whether what becomes of the next event can be written in the same append: all of it is, or nothing.
    pub(super) fn has_room_for(&self, staged: &Staged) -> bool {
        if self.is_empty() {
            return true;
        }
        let bytes: usize = staged.appends.iter().map(bytes_of).sum();
        self.events.saturating_add(staged.events()) <= self.limits.events
            && self.bytes.saturating_add(bytes) <= self.limits.bytes
            && self.counts.read < u64::try_from(self.limits.read_events()).unwrap_or(u64::MAX)
            && self.keeps_order(staged)
    }

    pub(super) fn take(&mut self, record: &RecordedEvent, staged: Staged) {
        self.counts.count(record, &staged);
        self.last = Some(EventPlace::of(record));
        for append in staged.appends {
            self.events += append.events.len();
            self.bytes += bytes_of(&append);
            let place = self.places.get(&append.stream);
            match place.and_then(|place| self.appends.get_mut(*place)) {
                Some(before) => before.events.extend(append.events),
                None => {
                    self.places.insert(append.stream.clone(), self.appends.len());
                    self.appends.push(append);
                }
            }
        }
    }

    /// What is written, in its order.
    pub(super) fn writes(&self) -> impl Iterator<Item = (&StreamId, &NewEvent)> {
        self.appends.iter().flat_map(|append| append.events.iter().map(|event| (&append.stream, event)))
    }

    pub(super) fn checksum(&self) -> Checksum {
        let mut checksum = Checksum::default();
        self.writes().for_each(|(stream, event)| checksum.add_new(stream, event));
        checksum
    }

    pub(super) fn into_appends(self) -> Vec<StreamAppend> {
        self.appends
    }

    /// A stream stands in an append once, with all its events: what is in between would move behind them.
    fn keeps_order(&self, staged: &Staged) -> bool {
        if self.limits.order == CopyOrder::Streams {
            return true;
        }
        staged.appends.iter().enumerate().all(|(place, append)| match self.places.get(&append.stream) {
            None => true,
            // What is written first may go on where the last append ends.
            Some(before) => place == 0 && before + 1 == self.appends.len(),
        })
    }
}

/// Everything of variable length together, in bytes.
fn bytes_of(append: &StreamAppend) -> usize {
    append.stream.as_str().len() + append.events.iter().map(event_bytes).sum::<usize>()
}

fn event_bytes(event: &NewEvent) -> usize {
    let metadata: usize = event.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    let tags: usize = event.tags.iter().map(|tag| tag.as_str().len()).sum();
    event.event_type.as_str().len() + event.payload.len() + metadata + tags
}
