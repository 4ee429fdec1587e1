//! Where the events of a filter can be, as far as an index knows: at the positions of a tag, or of a stream.

use eventstore_api::{Criterion, Direction, EventFilter, StreamId, Tag};

use crate::{span::Span, streams::Streams, tags::TagIndex};

/// The indexes.
#[derive(Clone, Copy)]
pub(crate) struct Lists<'a> {
    pub(crate) tags: &'a TagIndex,
    pub(crate) streams: &'a Streams,
}

/// Positions worth looking at, in the direction of reading.
pub(crate) struct Candidates {
    pub(crate) positions: Vec<u64>,
    /// The part of the span in which they are complete: no other position in it can hold an event that passes.
    pub(crate) searched: Span,
}

/// A list that an index keeps.
#[derive(Clone, Copy)]
enum List<'f> {
    Tag(&'f Tag),
    Stream(&'f StreamId),
}

impl Lists<'_> {
    /// The candidates at the beginning of the span: up to `window` of them for all criteria together, but at least one a
    /// criterion, so that every search gets on. `None` when a criterion has no list.
    pub(crate) fn candidates(
        self,
        filter: &EventFilter,
        span: Span,
        direction: Direction,
        window: usize,
    ) -> Option<Candidates> {
        let criteria = filter.criteria()?.iter();
        let mut lists =
            criteria.map(|criterion| self.shortest(criterion, span)).collect::<Option<Vec<_>>>()?;
        // Short lists first: what they leave of their share of the window goes to the long ones.
        lists.sort_unstable_by_key(|&(count, _)| count);
        let mut searched = span;
        let mut positions = Vec::new();
        let mut lists_left = lists.len();
        for (count, list) in lists {
            let share = (window.saturating_sub(positions.len()) / lists_left).max(1);
            lists_left -= 1;
            let taken = self.look(list, |all| leading(span.inside(all), direction, share).to_vec());
            let farthest = match direction {
                Direction::Forward => taken.last(),
                Direction::Backward => taken.first(),
            };
            if let (true, Some(&farthest)) = (count > share, farthest) {
                // What this list holds beyond is not known, so that is as far as the search goes.
                searched = searched.up_to(direction, farthest);
            }
            positions.extend(taken);
        }
        positions.retain(|&position| searched.contains(position));
        positions.sort_unstable();
        positions.dedup();
        if direction == Direction::Backward {
            positions.reverse();
        }
        Some(Candidates { positions, searched })
    }

    /// The list with the fewest positions in the span, of those that hold every event which meets the criterion; and how
    /// many these are. Up to the head that number is final, whatever is appended meanwhile.
    fn shortest<'f>(self, criterion: &'f Criterion, span: Span) -> Option<(usize, List<'f>)> {
        let tags = criterion.tags.iter().map(List::Tag);
        let stream = criterion.stream.iter().map(List::Stream);
        tags.chain(stream)
            .map(|list| (self.look(list, |all| span.inside(all).len()), list))
            .min_by_key(|&(count, _)| count)
    }

    fn look<R>(self, list: List<'_>, look: impl FnOnce(&[u64]) -> R) -> R {
        match list {
            List::Tag(tag) => self.tags.look(tag, look),
            List::Stream(stream) => self.streams.look(stream, look),
        }
    }
}

/// The first positions in the direction of reading, this many or all, still in rising order.
fn leading(rising: &[u64], direction: Direction, count: usize) -> &[u64] {
    let count = count.min(rising.len());
    let part = match direction {
        Direction::Forward => rising.get(..count),
        Direction::Backward => rising.get(rising.len() - count..),
    };
    part.unwrap_or_default()
}
