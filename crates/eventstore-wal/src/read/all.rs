use std::sync::Arc;

use eventstore_api::{Direction, GlobalPosition, Page, PageRoom, ReadAll, RecordedEvent};
use eventstore_codec::Names;

use super::{from_file, retained::Retained};
use crate::{
    block::Block,
    catalog::{Catalog, Published},
    damage::{Damage, Failure},
    format::FrameFault,
    frames::Malformed,
    index::Wait,
    scan::{Scan, Sought},
    segment::Segment,
};

/// How many frames are looked at for one page, where few of them hold anything that passes.
const MOST_FRAMES: usize = 65_536;
/// How many of them hold nobody up.
const FEW_FRAMES: usize = 2_048;

/// A page of the order of all events, as far as it is published.
pub(crate) fn read_all(catalog: &Catalog, query: &ReadAll, wait: Wait) -> Result<Page, Failure> {
    let published = catalog.published();
    let head = GlobalPosition::new(published.head);
    let page = PageInProgress {
        query,
        room: query.room(),
        names: Names::new(),
        retained: Retained::default(),
        events: Vec::new(),
    };
    match query.direction {
        Direction::Forward if query.after >= head => Ok(Page::last(page.events, query.after)),
        Direction::Forward => {
            let from = query.after.get();
            let segments = catalog.segments();
            let first = segments.partition_point(|segment| segment.start.get() <= from + 1).saturating_sub(1);
            page.fill(segments.iter().skip(first), Way::Forward { from }, &published, wait)
        }
        Direction::Backward => {
            let from = query.after.get().min(published.head.saturating_add(1));
            let segments = catalog.segments();
            let before = segments.iter().rev().skip_while(|segment| segment.start.get() >= from);
            page.fill(before, Way::Backward { from }, &published, wait)
        }
    }
}

/// In which direction a page goes, and from where; exclusive.
#[derive(Clone, Copy)]
enum Way {
    Forward { from: u64 },
    Backward { from: u64 },
}

impl Way {
    fn from(self) -> u64 {
        match self {
            Self::Forward { from } | Self::Backward { from } => from,
        }
    }

    fn wants(self, position: u64) -> bool {
        match self {
            Self::Forward { from } => position > from,
            Self::Backward { from } => position < from,
        }
    }

    /// Where the looking has come to with this frame.
    fn looked_at(self, frame: &Block) -> u64 {
        match self {
            Self::Forward { from } => frame.last_position().max(from),
            Self::Backward { from } => frame.first_position().min(from),
        }
    }

    /// Whether a frame is where it should be, after one with which the looking had come so far. Where positions do not
    /// rise, the next page could begin where this one does.
    fn is_in_line(self, frame: &Block, passed: Option<u64>) -> bool {
        passed.is_none_or(|passed| match self {
            Self::Forward { .. } => frame.first_position() > passed,
            Self::Backward { .. } => frame.last_position() < passed,
        })
    }

    /// Where a frame ends in this direction.
    fn far_end(self, frame: &Block) -> u64 {
        match self {
            Self::Forward { .. } => frame.last_position(),
            Self::Backward { .. } => frame.first_position(),
        }
    }

    /// From where the next page goes on, so that it begins with this position.
    fn just_before(self, position: u64) -> GlobalPosition {
        GlobalPosition::new(match self {
            Self::Forward { .. } => position - 1,
            Self::Backward { .. } => position + 1,
        })
    }

    /// Where there is nothing more in this direction.
    fn end(self, published: &Published) -> u64 {
        match self {
            Self::Forward { .. } => published.head,
            Self::Backward { .. } => 0,
        }
    }

    /// Whether there may be something beyond this position.
    fn goes_beyond(self, position: u64, published: &Published) -> bool {
        match self {
            Self::Forward { .. } => position < published.head,
            Self::Backward { .. } => position > 1,
        }
    }
}

struct PageInProgress<'q> {
    query: &'q ReadAll,
    room: PageRoom,
    names: Names,
    retained: Retained,
    events: Vec<RecordedEvent>,
}

impl PageInProgress<'_> {
    fn fill<'s>(
        mut self,
        segments: impl Iterator<Item = &'s Arc<Segment>>,
        way: Way,
        published: &Published,
        wait: Wait,
    ) -> Result<Page, Failure> {
        let next = self.look(segments, way, published, wait);
        let end = self.events.len();
        self.retained.settle(&mut self.events, end);
        match (next, self.events.last()) {
            (Ok(None), _) => Ok(Page::last(self.events, GlobalPosition::new(way.end(published)))),
            (Ok(Some(next)), _) => Ok(Page::partial(self.events, next)),
            // What is whole before the damage is shown first.
            (Err(Failure::Damaged(_)), Some(last)) => {
                let next = last.position;
                Ok(Page::partial(self.events, next))
            }
            (Err(Failure::Damaged(damage)), None) => {
                let detail = format!("{}; a read from position {} on came to it", damage.detail, way.from());
                Err(Damage { detail, ..damage }.into())
            }
            (Err(failure), _) => Err(failure),
        }
    }

    /// Fills the page; from where the next one goes on, if there is one.
    fn look<'s>(
        &mut self,
        segments: impl Iterator<Item = &'s Arc<Segment>>,
        way: Way,
        published: &Published,
        wait: Wait,
    ) -> Result<Option<GlobalPosition>, Failure> {
        let ReadAll { filter, direction, .. } = self.query;
        let (mut frames, mut passed) = (0, None);
        for segment in segments {
            let index = segment.index();
            let events = self.room.events_left();
            let sought = Sought { filter, direction: *direction, from: way.from(), events, wait };
            let mut scan = Scan::new(segment, &*index, published.bound(segment), sought, from_file(wait))?;
            while let Some(frame) = scan.next()? {
                if !way.is_in_line(&frame, passed) {
                    return Err(segment.damage(frame.offset(), FrameFault::OutOfLine).into());
                }
                passed = Some(way.far_end(&frame));
                frames += 1;
                let before = self.events.len();
                let refused = self.take(segment, &frame, |position| way.wants(position))?;
                self.retained.note(&mut self.events, before, &frame);
                if let Some(refused) = refused {
                    return Ok(Some(way.just_before(refused)));
                }
                let looked_at = way.looked_at(&frame);
                let enough = self.room.events_left() == 0 || frames == MOST_FRAMES;
                if enough && way.goes_beyond(looked_at, published) {
                    return Ok(Some(GlobalPosition::new(looked_at)));
                }
                // Where little passes the filter, this is not over as soon as it seemed.
                if wait == Wait::Never && frames == FEW_FRAMES {
                    return Err(Failure::WouldWait);
                }
            }
        }
        Ok(None)
    }

    /// Takes the events of a frame that are wanted and pass, as far as there is room; the position of the first that does
    /// not fit any more.
    fn take(
        &mut self,
        segment: &Segment,
        frame: &Block,
        wanted: impl Fn(u64) -> bool,
    ) -> Result<Option<u64>, Failure> {
        if self.query.direction == Direction::Backward && frame.events() > 1 {
            return self.take_backward(segment, frame, wanted);
        }
        let Self { query, room, names, events, .. } = self;
        let all = query.filter.is_all();
        let mut refused = None;
        let taken = frame.each_event::<Malformed>(|event| {
            if refused.is_some() || !wanted(event.position()) {
                return Ok(());
            }
            let recorded = event.to_recorded(names)?;
            if all || query.filter.matches(&recorded) {
                match room.take(recorded.payload.len()) {
                    true => events.push(recorded),
                    false => refused = Some(event.position()),
                }
            }
            Ok(())
        });
        taken.map_err(|malformed| segment.damage(frame.offset(), malformed))?;
        Ok(refused)
    }

    /// The same from the last event of the frame to the first.
    fn take_backward(
        &mut self,
        segment: &Segment,
        frame: &Block,
        wanted: impl Fn(u64) -> bool,
    ) -> Result<Option<u64>, Failure> {
        let mut found = Vec::new();
        let names = &mut self.names;
        let taken = frame.each_event::<Malformed>(|event| {
            if wanted(event.position()) {
                found.push(event.to_recorded(names)?);
            }
            Ok(())
        });
        taken.map_err(|malformed| segment.damage(frame.offset(), malformed))?;
        for event in found.into_iter().rev().filter(|event| self.query.filter.matches(event)) {
            if !self.room.take(event.payload.len()) {
                return Ok(Some(event.position.get()));
            }
            self.events.push(event);
        }
        Ok(None)
    }
}
