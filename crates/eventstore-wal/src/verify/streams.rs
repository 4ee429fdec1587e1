use std::collections::HashMap;

use eventstore_api::{StreamId, Version};
use foldhash::fast::RandomState;

use crate::{
    catalog::Before,
    index::{Previous, SegmentStart},
};

/// How far each stream has come: what grows with the store while it is gone through.
#[derive(Debug, Default)]
pub(super) struct Streams {
    known: HashMap<StreamId, Known, RandomState>,
    /// How often events were missing that may have been of any stream.
    gaps: u32,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    version: Version,
    segment: SegmentStart,
    /// The gaps before its last event that was found.
    gaps: u32,
}

impl Streams {
    pub(super) fn len(&self) -> u64 {
        self.known.len() as u64
    }

    /// Notes that events are missing here.
    pub(super) fn gap(&mut self) {
        self.gaps += 1;
    }

    /// Whether everything from the first event on was found.
    pub(super) fn are_whole(&self) -> bool {
        self.gaps == 0
    }

    /// What is known of a stream before its next event.
    pub(super) fn before(&self, stream: &str) -> Before {
        match self.known.get(stream) {
            None => Before { version: self.are_whole().then_some(Version::NONE), previous: Previous::None },
            Some(known) => Before {
                version: (known.gaps == self.gaps).then_some(known.version),
                previous: Previous::Segment(known.segment),
            },
        }
    }

    pub(super) fn set(&mut self, stream: StreamId, version: Version, segment: SegmentStart) {
        self.known.insert(stream, Known { version, segment, gaps: self.gaps });
    }
}
