use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use eventstore_api::{GlobalPosition, RecordedEvent};

/// Pages of the source that were stored and are still to be compared, so that it need not be read once more for that.
#[derive(Default)]
pub(crate) struct Kept(Mutex<VecDeque<Vec<RecordedEvent>>>);

impl Kept {
    /// How many pages are kept. Where more wait, whoever compares reads them again.
    const MOST: usize = 2;

    /// Keeps a page, if there is room.
    pub(crate) fn put(&self, page: Vec<RecordedEvent>) {
        let mut pages = self.pages();
        if pages.len() < Self::MOST {
            pages.push_back(page);
        }
    }

    /// The page that comes next behind this position, if it is kept. What lies before is kept no longer.
    pub(crate) fn take_behind(&self, position: GlobalPosition) -> Option<Vec<RecordedEvent>> {
        let mut pages = self.pages();
        while pages.front()?.last().is_none_or(|last| last.position <= position) {
            pages.pop_front();
        }
        let is_next = pages.front()?.first()?.position.get() == position.get().saturating_add(1);
        if is_next { pages.pop_front() } else { None }
    }

    fn pages(&self) -> MutexGuard<'_, VecDeque<Vec<RecordedEvent>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use eventstore_api::{EventType, NewEvent, Placement, StreamId, Timestamp, Version};

    use super::*;

    fn page(positions: std::ops::RangeInclusive<u64>) -> Vec<RecordedEvent> {
        let event = |position| {
            NewEvent::new(EventType::new("Counted").unwrap(), "{}").record(Placement {
                stream: StreamId::new("a").unwrap(),
                version: Version::new(position),
                position: GlobalPosition::new(position),
                recorded_at: Timestamp::from_micros(0),
            })
        };
        positions.map(event).collect()
    }

    /// The positions of the page that is taken behind this one: the first, and the last.
    fn taken(kept: &Kept, behind: u64) -> Option<(u64, u64)> {
        let page = kept.take_behind(GlobalPosition::new(behind))?;
        Some((page.first()?.position.get(), page.last()?.position.get()))
    }

    #[test]
    fn pages_are_taken_as_they_were_put_and_only_where_they_come_next() {
        let kept = Kept::default();
        kept.put(page(1..=3));
        kept.put(page(4..=6));
        assert_eq!(taken(&kept, 0), Some((1, 3)));
        assert_eq!(taken(&kept, 2), None, "3 would be missing");
        assert_eq!(taken(&kept, 4), None, "4 was seen");
        assert_eq!(taken(&kept, 3), Some((4, 6)));
        assert_eq!(taken(&kept, 6), None);
    }

    #[test]
    fn what_was_passed_by_makes_room() {
        let kept = Kept::default();
        for first in [1, 4, 7] {
            kept.put(page(first..=first + 2));
        }
        assert_eq!(taken(&kept, 6), None, "there was no room for the third, and the others were passed by");
        kept.put(page(7..=9));
        assert_eq!(taken(&kept, 6), Some((7, 9)));
    }

    /// Where the target had lost its end, pages come once more.
    #[test]
    fn what_comes_once_more_does_not_stand_in_for_what_is_next() {
        let kept = Kept::default();
        kept.put(page(4..=6));
        kept.put(page(3..=5));
        assert_eq!(taken(&kept, 2), None);
        assert_eq!(taken(&kept, 3), Some((4, 6)));
        assert_eq!(taken(&kept, 6), None);
    }
}
