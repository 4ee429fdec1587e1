//! Whether a batch may be appended: whether it is a retry, and whether its guards and its condition hold.

use std::{collections::HashMap, sync::Arc};

use eventstore_api::{
    AppendBatch, AppendCondition, Appended, Direction, EventId, GlobalPosition, InvalidInput, Known,
    NewEvent, RecordedEvent, Result, StoreError, StreamAppend, StreamId, Version, first_outcome,
};
use eventstore_codec::Names;
use foldhash::fast::RandomState;

use super::{GreatestIds, tail::Tail};
use crate::{
    block::{Block, BlockReader},
    catalog::Catalog,
    damage::Failure,
    frames::Malformed,
    index::{FrameOffset, Head, IndexOf, Previous, SegmentStart, Wait},
    scan::{Scan, Sought},
    segment::Segment,
};

/// What the writer decides on: what the store holds, and what it is about to write.
pub(super) struct Decider<'l> {
    pub(super) catalog: &'l Catalog,
    pub(super) tail: &'l Tail,
    pub(super) greatest_ids: GreatestIds,
}

/// Why a batch is not stored.
pub(super) enum Undecided {
    /// It must not be.
    Refused(StoreError),
    /// What it depends on could not be read.
    Failed(Failure),
}

impl From<StoreError> for Undecided {
    fn from(refused: StoreError) -> Self {
        Self::Refused(refused)
    }
}

impl From<InvalidInput> for Undecided {
    fn from(invalid: InvalidInput) -> Self {
        Self::Refused(invalid.into())
    }
}

impl From<Failure> for Undecided {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Undecided> for StoreError {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::Refused(refused) => refused,
            Undecided::Failed(failure) => failure.into(),
        }
    }
}

impl Decider<'_> {
    /// `None` when the batch is to be stored; the first outcome when it has been.
    ///
    /// `ends` says where the streams of its appends end, in their order.
    pub(super) fn decide(
        &self,
        batch: &AppendBatch,
        ends: &[Option<Head>],
    ) -> Result<Option<Vec<Appended>>, Undecided> {
        let streams = || batch.appends.iter().zip(ends);
        if streams().any(|(append, end)| end.is_some() && self.may_be_known(append))
            && let Some(outcome) = self.first_outcome(batch)?
        {
            return Ok(Some(outcome));
        }
        for (append, end) in streams() {
            append.expected.check(&append.stream, version_at(*end))?;
        }
        for guard in &batch.guards {
            guard.expected.check(&guard.stream, self.catalog.version(&guard.stream))?;
        }
        if let Some(condition) = &batch.condition {
            self.check_condition(condition)?;
        }
        Ok(None)
    }

    /// Whether an event of these can have been stored, as far as ids tell that rise along a stream.
    fn may_be_known(&self, append: &StreamAppend) -> bool {
        let Some(least) = append.events.iter().map(|event| event.id).min() else { return false };
        Some(least) <= self.greatest_ids.all
            && (Some(least) <= self.greatest_ids.sealed || self.tail.index.may_hold(&append.stream, least))
    }

    /// What the batch was answered when it was stored, if it was.
    fn first_outcome(&self, batch: &AppendBatch) -> Result<Option<Vec<Appended>>, Undecided> {
        let mut last = LastFrame::default();
        first_outcome(batch, |stream, event| self.find(stream, event, &mut last))
    }

    /// Where an event is stored already. Segments are searched backward, as far as the stream goes back and as the id can.
    fn find(
        &self,
        stream: &StreamId,
        event: &NewEvent,
        last: &mut LastFrame,
    ) -> Result<Option<Known>, Undecided> {
        if Some(event.id) > self.greatest_ids.all {
            return Ok(None);
        }
        let Some(head) = self.catalog.heads.get(stream.as_str()) else { return Ok(None) };
        let segments = self.catalog.segments();
        let mut at = segments.partition_point(|segment| segment.start <= head.segment);
        let mut only = Some(head.segment);
        while let Some(segment) = at.checked_sub(1).and_then(|before| segments.get(before)) {
            at -= 1;
            if only.is_some_and(|only| segment.start > only) {
                continue;
            }
            if segment.sealed().is_some_and(|sealed| Some(event.id) > sealed.max_id_so_far) {
                return Ok(None);
            }
            let index = segment.index();
            let part = index.stream(stream, Wait::Allowed).map_err(reading_index(segment))?;
            let Some(part) = part else { continue };
            let frames =
                index.frames_with_id(stream, event.id, Wait::Allowed).map_err(reading_index(segment))?;
            if let Some(known) = self.find_in(segment, &frames, (stream, event), last)? {
                return Ok(Some(known));
            }
            match part.previous {
                Previous::None => return Ok(None),
                Previous::Segment(start) => only = Some(start),
                Previous::Unknown => only = None,
            }
        }
        Ok(None)
    }

    fn find_in(
        &self,
        segment: &Arc<Segment>,
        frames: &[FrameOffset],
        (stream, event): (&StreamId, &NewEvent),
        last: &mut LastFrame,
    ) -> Result<Option<Known>, Failure> {
        for offset in frames {
            if last.place != Some((segment.start, segment.index_of(), *offset)) {
                let bound = self.bound(segment);
                let mut reader =
                    BlockReader::new(segment, bound, Wait::Allowed, |segment: &Segment, offset, length| {
                        self.tail.read(segment, offset, length)
                    });
                let frame = reader.at(offset.bytes(), 0)?;
                last.take((segment.start, segment.index_of(), *offset), &frame)
                    .map_err(|malformed| segment.damage(frame.offset(), malformed))?;
            }
            if let Some(recorded) =
                last.events.get(&event.id).into_iter().flatten().find(|it| it.stream == *stream)
            {
                return Ok(Some(Known {
                    version: recorded.version,
                    position: recorded.position,
                    same_content: recorded.same_content(event),
                }));
            }
        }
        Ok(None)
    }

    /// Where the frames of a segment end, written or not, in bytes.
    fn bound(&self, segment: &Segment) -> u64 {
        segment.sealed().map_or_else(|| self.tail.end(), |sealed| sealed.end)
    }

    fn check_condition(&self, condition: &AppendCondition) -> Result<(), Undecided> {
        let after = condition.after.get();
        let segments = self.catalog.segments();
        for segment in segments.iter().rev() {
            if segment.sealed().is_some_and(|sealed| sealed.last_position <= after) {
                break;
            }
            if self.tail.head() <= after {
                break;
            }
            if let Some(at) = self.last_match(segment, condition)? {
                return Err(StoreError::ConditionFailed { at: GlobalPosition::new(at) }.into());
            }
        }
        Ok(())
    }

    /// The last event of a segment that the condition excludes.
    fn last_match(
        &self,
        segment: &Arc<Segment>,
        condition: &AppendCondition,
    ) -> Result<Option<u64>, Failure> {
        let bound = self.bound(segment);
        let index = segment.index();
        let filter = &condition.fail_if_events_match;
        let sought =
            Sought { filter, direction: Direction::Backward, from: u64::MAX, events: 1, wait: Wait::Allowed };
        let read = |segment: &Segment, offset, length| self.tail.read(segment, offset, length);
        let mut scan = Scan::new(segment, &*index, bound, sought, read)?;
        let mut names = Names::new();
        while let Some(frame) = scan.next()? {
            if frame.last_position() <= condition.after.get() {
                return Ok(None);
            }
            let matching = last_in(&frame, condition, &mut names);
            if let Some(at) = matching.map_err(|malformed| segment.damage(frame.offset(), malformed))? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }
}

/// The version of the last event of a stream that ends there.
pub(super) fn version_at(end: Option<Head>) -> Version {
    end.map_or(Version::NONE, |head| head.version)
}

/// The events of the frame that was looked into last: those of a batch that is appended again mostly stand in one.
#[derive(Default)]
struct LastFrame {
    place: Option<(SegmentStart, IndexOf, FrameOffset)>,
    /// Streams may have events with the same id.
    events: HashMap<EventId, Vec<RecordedEvent>, RandomState>,
    names: Names,
}

impl LastFrame {
    fn take(&mut self, place: (SegmentStart, IndexOf, FrameOffset), frame: &Block) -> Result<(), Malformed> {
        let Self { events, names, .. } = self;
        self.place = None;
        events.clear();
        frame.each_event::<Malformed>(|event| {
            let recorded = event.to_recorded(names)?;
            events.entry(recorded.id).or_default().push(recorded);
            Ok(())
        })?;
        self.place = Some(place);
        Ok(())
    }
}

fn last_in(frame: &Block, condition: &AppendCondition, names: &mut Names) -> Result<Option<u64>, Malformed> {
    let mut last = None;
    frame.each_event::<Malformed>(|event| {
        if event.position() > condition.after.get() {
            let recorded = event.to_recorded(names)?;
            if condition.fail_if_events_match.matches(&recorded) {
                last = Some(event.position());
            }
        }
        Ok(())
    })?;
    Ok(last)
}

fn reading_index(segment: &Segment) -> impl FnOnce(std::io::Error) -> Failure {
    Failure::io(|| format!("cannot read the index of {}", segment.described))
}
