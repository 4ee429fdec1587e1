//! Finding the events that pass a filter: through an index where every criterion names a tag or a stream, else by
//! looking at the log.

use eventstore_api::{Direction, EventFilter, PageRoom};

use crate::{
    lists::{Candidates, Lists},
    log::Log,
    span::Span,
};

/// How many events one page looks at before it ends, full or not, so that a filter which hardly anything passes does not
/// hold up the thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// At least so many where an index lists them, however small the page.
    pub(crate) listed: usize,
    /// At most so many.
    pub(crate) most: usize,
}

impl Window {
    /// For a page of `limit` events from an index: enough that it is mostly full, not so many that copying their
    /// positions costs more than the page.
    fn of_listed(self, limit: usize) -> usize {
        limit.saturating_mul(4).max(self.listed).min(self.most)
    }
}

impl Default for Window {
    /// About a millisecond at most.
    fn default() -> Self {
        Self { listed: 256, most: 65_536 }
    }
}

/// What a search came up with.
#[derive(Debug)]
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
    pub(crate) lists: Lists<'a>,
    pub(crate) filter: &'a EventFilter,
    pub(crate) window: Window,
}

impl Search<'_> {
    /// The first events in this direction that pass, as many as there is room for (one at least) and as far as the window
    /// goes.
    pub(crate) fn page(&self, span: Span, direction: Direction, room: PageRoom) -> Found {
        if span.is_empty() {
            return Found::new(Vec::new(), span, span, direction);
        }
        let window = self.window.of_listed(room.events_left());
        match self.lists.candidates(self.filter, span, direction, window) {
            Some(Candidates { positions, searched }) => {
                let (passing, searched) = self.passing(positions.into_iter(), searched, direction, room);
                Found::new(passing, searched, span, direction)
            }
            None => {
                let searched = span.leading(direction, self.window.most);
                let every = searched.positions(direction);
                let (passing, searched) = self.passing(every, searched, direction, room);
                Found::new(passing, searched, span, direction)
            }
        }
    }

    /// The position of the last event in the span that passes.
    pub(crate) fn last(&self, mut span: Span) -> Option<u64> {
        loop {
            let found = self.page(span, Direction::Backward, PageRoom::new(1, 0));
            if let Some(&position) = found.positions.first() {
                return Some(position);
            }
            if found.end_reached {
                return None;
            }
            span.through = found.next - 1;
        }
    }

    /// The first candidates that pass, and how far the search went: less far when the page was full before the last
    /// candidate.
    fn passing(
        &self,
        candidates: impl Iterator<Item = u64>,
        searched: Span,
        direction: Direction,
        mut room: PageRoom,
    ) -> (Vec<u64>, Span) {
        let mut candidates = candidates.peekable();
        let mut passing = Vec::new();
        while let Some(position) = candidates.next() {
            let event = self.log.event(position);
            if !self.filter.matches(event) {
                continue;
            }
            let fits = room.take(event.payload.len());
            if fits {
                passing.push(position);
            }
            let is_full = room.events_left() == 0 && candidates.peek().is_some();
            if let (true, Some(&last)) = (is_full || !fits, passing.last()) {
                return (passing, searched.up_to(direction, last));
            }
        }
        (passing, searched)
    }
}

impl Found {
    /// These positions, when this part of the span has been looked at.
    fn new(positions: Vec<u64>, searched: Span, span: Span, direction: Direction) -> Self {
        let (next, end_reached) = match direction {
            // A reader that stands beyond the head stays there.
            Direction::Forward => (searched.through.max(span.after), searched.through == span.through),
            Direction::Backward if searched.after == span.after => (span.after, true),
            Direction::Backward => (searched.after + 1, false),
        };
        Self { positions, next, end_reached }
    }
}
