//! Where in a segment what lies: the frames of a stream, of an event id, of a tag, of an event type, of a position.
//!
//! The segment that is being written has its index in memory ([`ActiveIndex`]); a sealed one has it in a file beside it
//! ([`Sidecar`]), which is never authoritative: it can be rebuilt from the segment. [`SegmentIndex`] is what both answer.
//! Only the table of all streams ([`Heads`]) grows with the store.
//!
//! An index leads to frames, not to events: whoever asks reads the frame and looks for himself. So it may name frames
//! that hold nothing of what was asked for, which happens when two hashes are equal, but it never leaves one out.

mod active;
mod frame_offset;
mod hashes;
mod heads;
mod id_log;
mod postings;
mod segment_start;
mod sidecar;
mod stream_frames;
#[cfg(test)]
mod test_disk;
#[cfg(test)]
mod tests;

use std::{fmt, io, ops::RangeInclusive};

use eventstore_api::{Direction, EventId, EventType, StreamId, Tag, Version};

pub(crate) use active::{ActiveIndex, IndexedEvent};
pub(crate) use frame_offset::FrameOffset;
pub(crate) use heads::{Head, Heads};
pub(crate) use segment_start::SegmentStart;
pub(crate) use sidecar::Sidecar;

/// What the index of one segment answers.
///
/// Every question that may read from a file takes a [`Wait`]. What goes wrong is an [`io::Error`]: of kind
/// [`io::ErrorKind::WouldBlock`] where the answer takes waiting that was not allowed, [`io::ErrorKind::InvalidData`] where
/// the file is damaged, or what the disk says.
///
/// The index of the active segment may know of events that are not durable yet; the caller leaves out the frames beyond
/// the last one that is published.
pub(crate) trait SegmentIndex: fmt::Debug + Send + Sync {
    /// What the segment holds of a stream; `None` when that is nothing.
    fn stream(&self, stream: &StreamId, how: Wait) -> io::Result<Option<StreamPart>>;

    /// Shows every stream of which the segment holds events, with what it holds, in no order that means anything; waits for the
    /// disk. After an error, some may have been shown.
    fn streams(&self, visit: &mut dyn FnMut(&str, StreamPart)) -> io::Result<()>;

    /// The frames of a stream's events, one entry an event, in the order of versions: `count` of them, or as many as
    /// there are, from event number `first` on. The part's first event is number 0.
    fn stream_frames(
        &self,
        part: &StreamPart,
        first: u32,
        count: u32,
        how: Wait,
    ) -> io::Result<Vec<FrameOffset>>;

    /// The frames in which the event of a stream with this id can be, in rising order.
    fn frames_with_id(&self, stream: &StreamId, id: EventId, how: Wait) -> io::Result<Vec<FrameOffset>>;

    /// The first frames in this direction in which an event can carry the tag, at most this many, none of them twice.
    fn frames_with_tag(
        &self,
        tag: &Tag,
        within: RangeInclusive<FrameOffset>,
        direction: Direction,
        most: usize,
        how: Wait,
    ) -> io::Result<Vec<FrameOffset>>;

    /// Where the events of a type lie; `None` when the segment holds none.
    fn event_type(&self, event_type: &EventType, how: Wait) -> io::Result<Option<TypePart>>;

    /// Shows every type of which the segment holds events, in no order. For tests.
    #[cfg(test)]
    fn event_types(&self, visit: &mut dyn FnMut(&EventType, TypePart), how: Wait) -> io::Result<()>;

    /// A frame from which a scan forward meets the one that holds this position; `None` when the segment holds no frame
    /// that begins at or before it.
    fn frame_at_or_before(&self, position: u64, how: Wait) -> io::Result<Option<FrameOffset>>;

    /// The greatest event id of the segment, by its bytes. Ids of version 7 rise with time, so that an id beyond it needs
    /// no look-up.
    fn greatest_id(&self) -> Option<EventId>;

    /// Whether it is all there, whatever becomes of files.
    fn is_in_memory(&self) -> bool;

    /// How many events the segment holds.
    fn event_count(&self) -> u64;

    /// Of how many streams the segment holds events.
    fn stream_count(&self) -> u64;
}

/// What the index in a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum IndexOf {
    /// A segment: it leads to frames.
    Segment,
    /// The part that has taken its place: it leads to rows.
    Part,
}

impl IndexOf {
    /// The name of the file.
    pub(crate) fn file_name(self, start: SegmentStart) -> String {
        match self {
            Self::Segment => start.index_name(),
            Self::Part => start.part_index_name(),
        }
    }
}

/// Whether a look-up may wait for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It may: the caller's thread is there for that.
    Allowed,
    /// It must not: what is not in memory is an error of kind [`io::ErrorKind::WouldBlock`], and the caller asks again
    /// where waiting is allowed.
    Never,
}

/// What a segment holds of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamPart {
    /// The version of its first event.
    pub(crate) first_version: Version,
    /// How many events; their versions are dense.
    pub(crate) count: u32,
    /// Where the events before lie.
    pub(crate) previous: Previous,
    locator: Locator,
}

impl StreamPart {
    /// The version of its last event.
    pub(crate) fn last_version(&self) -> Version {
        self.first_version.plus(u64::from(self.count).saturating_sub(1))
    }
}

/// Where an index finds the frames of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Locator {
    /// In memory, by name.
    Name(StreamId),
    /// In the sidecar, by the number of its first entry among the frames of events.
    Entry(u64),
}

/// The segment before this one that holds events of the same stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Previous {
    /// There is none: the stream begins here.
    None,
    /// This one.
    Segment(SegmentStart),
    /// Not known: the index was rebuilt from its segment alone.
    Unknown,
}

/// Where the events of a type lie in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypePart {
    /// The first frame that holds one.
    pub(crate) first: FrameOffset,
    /// The last frame that holds one.
    pub(crate) last: FrameOffset,
    /// How many events there are.
    pub(crate) count: u64,
}
