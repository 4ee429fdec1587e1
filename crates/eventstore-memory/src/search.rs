//! Finding the events that pass a filter: through the tag index where every alternative names a tag, else by looking
//! at the log.

use eventstore_api::{Direction, EventFilter};

use crate::{
    log::Log,
    span::{Limit, Span},
    tags::TagIndex,
};

/// At most how many events one search looks at, so that a filter which hardly anything passes does not hold up the
/// thread: about a millisecond.
const LOOKED_AT: usize = 65_536;

/// What a search came up with.
pub(crate) struct Found {
    /// The positions of events that pass, in the direction of reading.
    pub(crate) positions: Vec<u64>,
    /// Where to go on: everything up to here, and this itself, has been looked at.
    pub(crate) next: u64,
    /// Whether the whole span has been looked at.
    pub(crate) end_reached: bool,
}

pub(crate) struct Search<'a> {
    pub(crate) log: &'a Log,
    pub(crate) tags: &'a TagIndex,
    pub(crate) filter: &'a EventFilter,
}

impl Search<'_> {
    /// The first `limit` events in this direction that pass.
    pub(crate) fn page(&self, span: Span, direction: Direction, limit: usize) -> Found {
        // A reader that stands beyond the head stays there.
        let end = match direction {
            Direction::Forward => span.through.max(span.after),
            Direction::Backward => span.after,
        };
        if span.is_empty() {
            return Found { positions: Vec::new(), next: end, end_reached: true };
        }
        let (candidates, searched) = self.candidates(span, direction);
        let mut passing = match direction {
            Direction::Forward => self.passing(candidates.into_iter(), limit),
            Direction::Backward => self.passing(candidates.into_iter_reversed(), limit),
        };
        if passing.cut {
            let next = passing.positions.last().copied().unwrap_or(end);
            return Found { positions: std::mem::take(&mut passing.positions), next, end_reached: false };
        }
        let (next, end_reached) = match (direction, searched) {
            (Direction::Forward, searched) => (searched.through, searched.through == span.through),
            (Direction::Backward, searched) if searched.after == span.after => (end, true),
            (Direction::Backward, searched) => (searched.after + 1, false),
        };
        Found { positions: passing.positions, next, end_reached }
    }

    /// The position of the last event in the span that passes.
    pub(crate) fn last(&self, mut span: Span) -> Option<u64> {
        loop {
            let found = self.page(span, Direction::Backward, 1);
            if let Some(&position) = found.positions.first() {
                return Some(position);
            }
            if found.end_reached {
                return None;
            }
            span.through = found.next - 1;
        }
    }

    /// The positions worth looking at, and the part of the span in which they are complete.
    fn candidates(&self, span: Span, direction: Direction) -> (Candidates, Span) {
        match self.tagged_candidates(span, direction) {
            Some((positions, searched)) => (Candidates::Listed(positions), searched),
            None => {
                let searched = match direction {
                    Direction::Forward => Span {
                        through: span.through.min(span.after.saturating_add(LOOKED_AT as u64)),
                        ..span
                    },
                    Direction::Backward => {
                        Span { after: span.after.max(span.through.saturating_sub(LOOKED_AT as u64)), ..span }
                    }
                };
                (Candidates::Every(searched), searched)
            }
        }
    }

    /// The events that carry a tag of each alternative, from the index; `None` when an alternative names no tag.
    fn tagged_candidates(&self, span: Span, direction: Direction) -> Option<(Vec<u64>, Span)> {
        if self.filter.is_all() || self.filter.criteria().iter().any(|criterion| criterion.tags.is_empty()) {
            return None;
        }
        let limit = match direction {
            Direction::Forward => Limit::First(LOOKED_AT),
            Direction::Backward => Limit::Last(LOOKED_AT),
        };
        let mut searched = span;
        let mut candidates = Vec::new();
        for criterion in self.filter.criteria() {
            let rarest = self.tags.rarest(&criterion.tags)?;
            let (positions, complete) = self.tags.within(rarest, span, limit);
            if !complete {
                // Beyond its last position this list is not known, so that is as far as the search goes.
                match (direction, positions.first(), positions.last()) {
                    (Direction::Forward, _, Some(&last)) => searched.through = searched.through.min(last),
                    (Direction::Backward, Some(&first), _) => searched.after = searched.after.max(first - 1),
                    _ => {}
                }
            }
            candidates.extend(positions);
        }
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|&position| position > searched.after && position <= searched.through);
        Some((candidates, searched))
    }

    fn passing(&self, candidates: impl Iterator<Item = u64>, limit: usize) -> Passing {
        let mut candidates = candidates.peekable();
        let mut positions = Vec::new();
        while let Some(position) = candidates.next() {
            if self.filter.matches(self.log.event(position)) {
                positions.push(position);
                if positions.len() == limit {
                    return Passing { positions, cut: candidates.peek().is_some() };
                }
            }
        }
        Passing { positions, cut: false }
    }
}

struct Passing {
    positions: Vec<u64>,
    /// Whether the limit came before the last candidate.
    cut: bool,
}

enum Candidates {
    Every(Span),
    Listed(Vec<u64>),
}

impl Candidates {
    fn into_iter(self) -> Box<dyn Iterator<Item = u64>> {
        match self {
            Self::Every(span) => Box::new(span.after + 1..=span.through),
            Self::Listed(positions) => Box::new(positions.into_iter()),
        }
    }

    fn into_iter_reversed(self) -> Box<dyn Iterator<Item = u64>> {
        match self {
            Self::Every(span) => Box::new((span.after + 1..=span.through).rev()),
            Self::Listed(positions) => Box::new(positions.into_iter().rev()),
        }
    }
}
