use eventstore_api::{Direction, GlobalPosition, Page, PageRoom, ReadAll, RecordedEvent};
use eventstore_codec::Names;

use super::from_file;
use crate::{
    catalog::{Catalog, Published},
    damage::Failure,
    format::FrameFault,
    frames::{Frame, Malformed},
    index::Wait,
    scan::{Scan, Sought},
    segment::Segment,
};

/// How many frames are looked at for one page, where few of them hold anything that passes.
const MOST_FRAMES: usize = 65_536;

/// A page of the order of all events, as far as it is published.
pub(crate) fn read_all(catalog: &Catalog, query: &ReadAll, wait: Wait) -> Result<Page, Failure> {
    let published = catalog.published();
    let head = GlobalPosition::new(published.head);
    let page = PageInProgress { query, room: query.room(), names: Names::new(), events: Vec::new() };
    match query.direction {
        Direction::Forward if query.after >= head => Ok(Page::last(page.events, query.after)),
        Direction::Forward => page.forward(catalog, &published, wait),
        Direction::Backward => page.backward(catalog, &published, wait),
    }
}

struct PageInProgress<'q> {
    query: &'q ReadAll,
    room: PageRoom,
    names: Names,
    events: Vec<RecordedEvent>,
}

impl PageInProgress<'_> {
    fn forward(mut self, catalog: &Catalog, published: &Published, wait: Wait) -> Result<Page, Failure> {
        let from = self.query.after.get();
        let segments = catalog.segments();
        let first = segments.partition_point(|segment| segment.start.get() <= from + 1).saturating_sub(1);
        let (mut frames, mut passed) = (0, 0);
        for segment in segments.iter().skip(first) {
            let index = segment.index();
            let mut scan = Scan::new(
                segment,
                &*index,
                published.bound(segment),
                self.sought(from, wait),
                from_file(wait),
            )?;
            while let Some(frame) = scan.next()? {
                // Where positions do not rise, the next page could begin where this one does.
                if frame.header.first_position <= passed {
                    return Err(segment.damage(frame.offset, FrameFault::OutOfLine).into());
                }
                passed = frame.last_position();
                frames += 1;
                if let Some(refused) = self.take(segment, &frame, |position| position > from)? {
                    return Ok(Page::partial(self.events, GlobalPosition::new(refused - 1)));
                }
                let looked_at = frame.last_position().max(from);
                let enough = self.room.events_left() == 0 || frames == MOST_FRAMES;
                if enough && looked_at < published.head {
                    return Ok(Page::partial(self.events, GlobalPosition::new(looked_at)));
                }
            }
        }
        Ok(Page::last(self.events, GlobalPosition::new(published.head)))
    }

    fn backward(mut self, catalog: &Catalog, published: &Published, wait: Wait) -> Result<Page, Failure> {
        let from = self.query.after.get().min(published.head.saturating_add(1));
        let segments = catalog.segments();
        let (mut frames, mut passed) = (0, u64::MAX);
        for segment in segments.iter().rev().skip_while(|segment| segment.start.get() >= from) {
            let index = segment.index();
            let mut scan = Scan::new(
                segment,
                &*index,
                published.bound(segment),
                self.sought(from, wait),
                from_file(wait),
            )?;
            while let Some(frame) = scan.next()? {
                if frame.last_position() >= passed {
                    return Err(segment.damage(frame.offset, FrameFault::OutOfLine).into());
                }
                passed = frame.header.first_position;
                frames += 1;
                if let Some(refused) = self.take(segment, &frame, |position| position < from)? {
                    return Ok(Page::partial(self.events, GlobalPosition::new(refused + 1)));
                }
                let looked_at = frame.header.first_position.min(from);
                let enough = self.room.events_left() == 0 || frames == MOST_FRAMES;
                if enough && looked_at > 1 {
                    return Ok(Page::partial(self.events, GlobalPosition::new(looked_at)));
                }
            }
        }
        Ok(Page::last(self.events, GlobalPosition::START))
    }

    fn sought(&self, from: u64, wait: Wait) -> Sought<'_> {
        let ReadAll { filter, direction, .. } = self.query;
        Sought { filter, direction: *direction, from, events: self.room.events_left(), wait }
    }

    /// Takes the events of a frame that are wanted and pass, as far as there is room; the position of the first that does
    /// not fit any more.
    fn take(
        &mut self,
        segment: &Segment,
        frame: &Frame,
        wanted: impl Fn(u64) -> bool,
    ) -> Result<Option<u64>, Failure> {
        if self.query.direction == Direction::Backward && frame.header.events > 1 {
            return self.take_backward(segment, frame, wanted);
        }
        let Self { query, room, names, events } = self;
        let all = query.filter.is_all();
        let mut refused = None;
        let taken = frame.each_event::<Malformed>(|event| {
            if refused.is_some() || !wanted(event.position) {
                return Ok(());
            }
            let recorded = event.to_recorded(names.stream(event.stream)?, names)?;
            if all || query.filter.matches(&recorded) {
                match room.take(recorded.payload.len()) {
                    true => events.push(recorded),
                    false => refused = Some(event.position),
                }
            }
            Ok(())
        });
        taken.map_err(|malformed| segment.damage(frame.offset, malformed))?;
        Ok(refused)
    }

    /// The same from the last event of the frame to the first.
    fn take_backward(
        &mut self,
        segment: &Segment,
        frame: &Frame,
        wanted: impl Fn(u64) -> bool,
    ) -> Result<Option<u64>, Failure> {
        let mut found = Vec::new();
        let names = &mut self.names;
        let taken = frame.each_event::<Malformed>(|event| {
            if wanted(event.position) {
                found.push(event.to_recorded(names.stream(event.stream)?, names)?);
            }
            Ok(())
        });
        taken.map_err(|malformed| segment.damage(frame.offset, malformed))?;
        for event in found.into_iter().rev().filter(|event| self.query.filter.matches(event)) {
            if !self.room.take(event.payload.len()) {
                return Ok(Some(event.position.get()));
            }
            self.events.push(event);
        }
        Ok(None)
    }
}
