use std::{collections::HashSet, io, sync::Arc};

use eventstore_api::{GlobalPosition, RecordedEvent, StreamId, Version};
use eventstore_codec::Names;
use foldhash::fast::RandomState;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use crate::{
    archive::OpenParts,
    block_cache::BlockCache,
    damage::Failure,
    format::{SEGMENT_HEADER_BYTES, StoreId},
    frames::{Frame, FrameEvent, Malformed},
    index::{
        ActiveIndex, FrameOffset, Head, Heads, IndexedEvent, Previous, SegmentIndex, SegmentStart, Wait,
    },
    segment::Segment,
};

/// What the store holds, for everyone who reads: the one writer adds to it, and says how far it can be seen.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) store: StoreId,
    pub(crate) heads: Heads,
    /// In their order. Replaced as a whole, so that a reader takes a look and is gone.
    segments: RwLock<Arc<Vec<Arc<Segment>>>>,
    pub(crate) blocks: BlockCache,
    /// What is open of the archive.
    #[cfg_attr(
        not(feature = "parquet"),
        allow(dead_code, reason = "nothing is open of what cannot be read")
    )]
    pub(crate) open_parts: Arc<OpenParts>,
    /// Taken by whoever replaces indexes that are damaged.
    pub(crate) healing: Mutex<()>,
    published: watch::Sender<Published>,
}

/// When streams are put into the table of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TakeUp {
    Now,
    /// When somebody asks for one, or there are new events: whoever only reads may never come to that.
    Later,
}

/// What is to be taken up later of a segment, if anything.
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "the segment's streams would never be known"]
pub(crate) struct PutOff {
    /// How many streams begin in it.
    begun: Option<u64>,
}

/// How far the log can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    /// The segment that holds the last events, or will hold the next.
    pub(crate) segment: SegmentStart,
    /// Where the last frame there ends, in bytes.
    pub(crate) offset: u64,
    /// The position of the last event; zero for none.
    pub(crate) head: u64,
    /// How many streams have events.
    pub(crate) streams: u64,
    /// Whether there will be no more.
    pub(crate) closed: bool,
}

impl Published {
    /// Of a log in which nothing has been looked at yet.
    pub(crate) const NOTHING: Self = Self {
        segment: SegmentStart::new(0),
        offset: SEGMENT_HEADER_BYTES as u64,
        head: 0,
        streams: 0,
        closed: false,
    };

    /// Whether there is an event after this position.
    pub(crate) fn is_past(&self, position: GlobalPosition) -> bool {
        self.head > position.get()
    }

    /// Up to where a segment can be seen, in bytes.
    pub(crate) fn bound(&self, segment: &Segment) -> u64 {
        if segment.part.is_some() {
            // It may have taken the place of the segment since, in which offsets mean something else.
            let visible = FrameOffset::bytes_of_row((self.head + 1).saturating_sub(segment.start.get()));
            return segment.sealed().map_or(0, |sealed| sealed.end.min(visible));
        }
        match segment.start.cmp(&self.segment) {
            std::cmp::Ordering::Less => segment.sealed().map_or(0, |sealed| sealed.end),
            std::cmp::Ordering::Equal => self.offset,
            std::cmp::Ordering::Greater => 0,
        }
    }
}

impl Catalog {
    /// What a store holds of which nothing has been looked at yet; at most so many bytes of what was read of streams stay in memory.
    pub(crate) fn new(store: StoreId, cache_bytes: usize) -> Self {
        Self {
            blocks: BlockCache::new(cache_bytes),
            open_parts: Arc::default(),
            healing: Mutex::default(),
            store,
            heads: Heads::default(),
            segments: RwLock::default(),
            published: watch::Sender::new(Published::NOTHING),
        }
    }

    pub(crate) fn published(&self) -> Published {
        *self.published.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Published> {
        self.published.subscribe()
    }

    pub(crate) fn publish(&self, published: Published) {
        self.published.send_replace(published);
    }

    /// Says that there will be no more events.
    pub(crate) fn close(&self) {
        self.published.send_modify(|published| published.closed = true);
    }

    pub(crate) fn segments(&self) -> Arc<Vec<Arc<Segment>>> {
        Arc::clone(&self.segments.read())
    }

    pub(crate) fn add_segment(&self, segment: Arc<Segment>) {
        let mut segments = self.segments.write();
        let mut longer = segments.to_vec();
        longer.push(segment);
        *segments = Arc::new(longer);
    }

    pub(crate) fn segment(&self, start: SegmentStart) -> Option<Arc<Segment>> {
        let segments = self.segments.read();
        let found = segments.binary_search_by_key(&start, |segment| segment.start).ok()?;
        segments.get(found).cloned()
    }

    /// Puts a part in the place of the segment that begins with the same position, or behind all others; the segment, if
    /// there was one.
    pub(crate) fn put_segment(&self, part: Arc<Segment>) -> Option<Arc<Segment>> {
        let mut segments = self.segments.write();
        let mut changed = segments.to_vec();
        let found = changed.binary_search_by_key(&part.start, |segment| segment.start);
        let replaced = match found.ok().and_then(|at| changed.get_mut(at)) {
            Some(place) => Some(std::mem::replace(place, part)),
            None => {
                changed.push(part);
                None
            }
        };
        *segments = Arc::new(changed);
        replaced
    }

    /// Puts into the table of streams how far each has come in a segment, as its index says.
    ///
    /// That can be put off where the index knows how many streams begin in the segment. Whoever has added the segment
    /// [notes](Self::note) what was.
    pub(crate) fn take_up_streams(
        &self,
        segment: &Segment,
        index: &dyn SegmentIndex,
        begun: Option<u64>,
        when: TakeUp,
    ) -> Result<PutOff, Failure> {
        if when == TakeUp::Later && begun.is_some() {
            return Ok(PutOff { begun });
        }
        self.settle(Wait::Allowed)?;
        let failure = Failure::io(|| format!("cannot read the index of {}", segment.described));
        self.heads.take_up(segment.start, index).map_err(failure)?;
        Ok(PutOff::default())
    }

    /// Notes what was put off of a segment that is there.
    pub(crate) fn note(&self, segment: SegmentStart, put_off: PutOff) {
        if let Some(begun) = put_off.begun {
            self.heads.take_up_later(segment, begun);
        }
    }

    /// Makes sure that the table of streams has all of them; before anything is looked for in it or put into it.
    pub(crate) fn settle(&self, wait: Wait) -> Result<(), Failure> {
        match wait {
            _ if self.heads.is_settled() => Ok(()),
            Wait::Never => Err(Failure::WouldWait),
            Wait::Allowed => {
                let index_of = |start| self.segment(start).map(|segment| segment.index());
                self.heads.settle(index_of).map_err(|error| {
                    // What cannot be read is as bad as what is damaged, and made anew from what it is the index of.
                    let error = match error.kind() {
                        io::ErrorKind::NotFound => error,
                        _ => io::Error::new(io::ErrorKind::InvalidData, error),
                    };
                    Failure::io(|| "cannot see how far each stream has come".to_owned())(error)
                })
            }
        }
    }

    /// The version of a stream's last event, published or not, as far as it is [known](Self::settle).
    pub(crate) fn version(&self, stream: &StreamId) -> Version {
        self.heads.get(stream.as_str()).map_or(Version::NONE, |head| head.version)
    }

    /// Takes up a frame that was read from a segment: in the segment's index, and in the table of streams.
    pub(crate) fn take_up(
        &self,
        segment: SegmentStart,
        index: &ActiveIndex,
        frame: &Frame,
        names: &mut Names,
    ) -> Result<(), NotTakenUp> {
        take_up(
            frame,
            index,
            names,
            |stream| self.before(stream),
            |stream, version| self.heads.set(stream.as_str(), Head { version, segment }),
        )
    }

    /// The same of an event in a row of a part.
    pub(crate) fn take_up_row(
        &self,
        segment: SegmentStart,
        index: &ActiveIndex,
        row: u64,
        event: &RecordedEvent,
    ) -> Result<(), NotTakenUp> {
        let stream = event.stream.as_str();
        take_up_row(row, event, index, &self.before(stream))?;
        self.heads.set(stream, Head { version: event.version, segment });
        Ok(())
    }

    /// What is known of a stream so far.
    fn before(&self, stream: &str) -> Before {
        match self.heads.get(stream) {
            None => Before { version: Some(Version::NONE), previous: Previous::None },
            Some(head) => Before { version: Some(head.version), previous: Previous::Segment(head.segment) },
        }
    }
}

/// What is known of a stream before a frame.
pub(crate) struct Before {
    /// Its last version, if that is known.
    pub(crate) version: Option<Version>,
    pub(crate) previous: Previous,
}

impl Before {
    /// That a stream goes on with this version.
    fn check_next(&self, stream: &str, found: Version) -> Result<(), NotTakenUp> {
        match self.version.filter(|before| before.next() != found) {
            None => Ok(()),
            Some(before) => Err(NotTakenUp::VersionHole { stream: stream.to_owned(), before, found }),
        }
    }
}

/// Why a frame whose checksums are right is none of this log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTakenUp {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("stream `{stream}` is at version {before} there, and goes on with version {found}")]
    VersionHole { stream: String, before: Version, found: Version },
    #[error("the frame lies too far behind the beginning of the segment")]
    TooFar,
}

/// Adds the events of a frame to an index. `before` tells what is known of a stream, `after` hears how far it has come.
pub(crate) fn take_up(
    frame: &Frame,
    index: &ActiveIndex,
    names: &mut Names,
    before: impl Fn(&str) -> Before,
    mut after: impl FnMut(&StreamId, Version),
) -> Result<(), NotTakenUp> {
    if frame.header.events == 0 {
        return Ok(());
    }
    let taken = TakenUp::of(frame, names, before)?;
    taken.note_in(index);
    taken.ends().for_each(|(stream, version)| after(stream, version));
    Ok(())
}

/// The events of a frame, each of which is the next of its stream.
pub(crate) struct TakenUp {
    offset: FrameOffset,
    first_position: u64,
    events: Vec<RecordedEvent>,
    parts: Vec<Part>,
}

/// How many events a frame appends to a stream.
struct Part {
    first_version: Version,
    previous: Previous,
    events: usize,
}

/// For how many events of a frame room is made before they are met.
const MOST_EXPECTED: usize = 16_384;

impl TakenUp {
    /// Checks the events of a frame; `before` tells what is known of a stream.
    pub(crate) fn of(
        frame: &Frame,
        names: &mut Names,
        before: impl Fn(&str) -> Before,
    ) -> Result<Self, NotTakenUp> {
        let offset = FrameOffset::from_bytes(frame.offset).ok_or(NotTakenUp::TooFar)?;
        // The header may say anything.
        let expected = (frame.header.events as usize).min(MOST_EXPECTED);
        let (mut events, mut streams) = (Vec::with_capacity(expected), Vec::<(&str, Version, usize)>::new());
        frame.each_event::<NotTakenUp>(|event| {
            let FrameEvent { stream, version, .. } = event;
            let recorded = event.to_recorded(names.stream(stream).map_err(Malformed::from)?, names)?;
            match streams.last_mut() {
                Some((name, _, events)) if *name == stream => *events += 1,
                _ => streams.push((stream, version, 1)),
            }
            events.push(recorded);
            Ok(())
        })?;
        let mut met = HashSet::with_capacity_and_hasher(streams.len(), RandomState::default());
        let is_one = streams.len() == 1;
        let part = |(stream, first_version, events)| {
            // Or it would be checked against the same version twice. Most frames are of one stream.
            if !is_one && !met.insert(stream) {
                return Err(Malformed::Counts.into());
            }
            let before = before(stream);
            before.check_next(stream, first_version)?;
            Ok(Part { first_version, previous: before.previous, events })
        };
        let parts = streams.into_iter().map(part).collect::<Result<_, NotTakenUp>>()?;
        Ok(Self { offset, first_position: frame.header.first_position, events, parts })
    }

    pub(crate) fn events(&self) -> usize {
        self.events.len()
    }

    /// Adds them to the index of their segment, behind those of all frames before.
    pub(crate) fn note_in(&self, index: &ActiveIndex) {
        index.note_frame(self.offset, self.first_position);
        for (Part { first_version, previous, .. }, stream, events) in self.parts() {
            let indexed = events.iter().map(|event| IndexedEvent {
                id: event.id,
                event_type: &event.event_type,
                tags: &event.tags,
            });
            index.note_append(self.offset, stream, *first_version, || *previous, indexed);
        }
    }

    /// Each stream, and the version of its last event.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (&StreamId, Version)> {
        self.parts().map(|(part, stream, events)| (stream, part.first_version.plus(events.len() as u64 - 1)))
    }

    fn parts(&self) -> impl Iterator<Item = (&Part, &StreamId, &[RecordedEvent])> {
        let mut rest = self.events.as_slice();
        self.parts.iter().filter_map(move |part| {
            let (events, behind) = rest.split_at_checked(part.events)?;
            rest = behind;
            Some((part, &events.first()?.stream, events))
        })
    }
}

/// Adds the event of a row to the index of a part.
pub(crate) fn take_up_row(
    row: u64,
    event: &RecordedEvent,
    index: &ActiveIndex,
    before: &Before,
) -> Result<(), NotTakenUp> {
    before.check_next(event.stream.as_str(), event.version)?;
    note_row(row, event, index, || before.previous)
}

/// The same where it is known that the event is the next of its stream. `previous` is asked only for the first of them.
pub(crate) fn note_row(
    row: u64,
    event: &RecordedEvent,
    index: &ActiveIndex,
    previous: impl FnOnce() -> Previous,
) -> Result<(), NotTakenUp> {
    let offset = FrameOffset::of_row(row).ok_or(NotTakenUp::TooFar)?;
    index.note_frame(offset, event.position.get());
    let indexed = IndexedEvent { id: event.id, event_type: &event.event_type, tags: &event.tags };
    index.note_append(offset, &event.stream, event.version, previous, [indexed]);
    Ok(())
}
