use std::collections::{BTreeMap, BTreeSet};

use eventstore_api::GlobalPosition;

/// The events of a partition between its checkpoint and where it was read to.
pub(super) struct Window {
    checkpoint: GlobalPosition,
    read_to: GlobalPosition,
    events: BTreeMap<GlobalPosition, Progress>,
    /// Events behind those, which an earlier holder has settled. They take no room of the buffer: to read up to them must
    /// always be possible.
    settled_ahead: BTreeSet<GlobalPosition>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Open,
    Settled,
}

impl Window {
    pub(super) fn new(checkpoint: u64, settled: &[u64]) -> Self {
        let checkpoint = GlobalPosition::new(checkpoint);
        Self {
            checkpoint,
            read_to: checkpoint,
            events: BTreeMap::new(),
            settled_ahead: settled.iter().copied().map(GlobalPosition::new).collect(),
        }
    }

    /// Every event up to here is done with.
    pub(super) fn checkpoint(&self) -> GlobalPosition {
        self.checkpoint
    }

    /// Every event up to here has been read.
    pub(super) fn read_to(&self) -> GlobalPosition {
        self.read_to
    }

    /// How many events it holds. Where there are any, the oldest is open.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Takes an event in that was just read; false for one that it has, or has had.
    pub(super) fn open(&mut self, position: GlobalPosition) -> bool {
        if position <= self.read_to || self.settled_ahead.contains(&position) {
            return false;
        }
        self.events.insert(position, Progress::Open);
        true
    }

    pub(super) fn settle(&mut self, position: GlobalPosition) {
        if let Some(progress) = self.events.get_mut(&position) {
            *progress = Progress::Settled;
        }
        self.advance();
    }

    /// Every event up to here has been taken in, or is no event of this partition.
    pub(super) fn note_read(&mut self, position: GlobalPosition) {
        if position <= self.read_to {
            return;
        }
        self.read_to = position;
        while self.settled_ahead.first().is_some_and(|first| *first <= position) {
            self.events.extend(self.settled_ahead.pop_first().map(|first| (first, Progress::Settled)));
        }
        self.advance();
    }

    /// The settled events beyond the checkpoint.
    pub(super) fn settled(&self) -> Vec<u64> {
        let settled = self.events.iter().filter(|(_, progress)| **progress == Progress::Settled);
        settled
            .map(|(position, _)| position)
            .chain(&self.settled_ahead)
            .map(|position| position.get())
            .collect()
    }

    fn advance(&mut self) {
        while let Some(first) = self.events.first_entry() {
            if *first.get() == Progress::Open {
                return;
            }
            self.checkpoint = *first.key();
            first.remove();
        }
        self.checkpoint = self.checkpoint.max(self.read_to);
    }
}

#[cfg(test)]
mod tests {
    use eventstore_api::GlobalPosition;

    use super::Window;

    fn at(position: u64) -> GlobalPosition {
        GlobalPosition::new(position)
    }

    #[test]
    fn the_checkpoint_stays_before_the_oldest_open_event() {
        let mut window = Window::new(0, &[]);
        for position in [2, 4, 6] {
            assert!(window.open(at(position)));
            window.note_read(at(position));
        }
        window.settle(at(4));
        assert_eq!((window.checkpoint(), window.settled()), (at(0), vec![4]));
        window.settle(at(2));
        assert_eq!((window.checkpoint(), window.settled()), (at(4), vec![]));
        window.settle(at(6));
        window.note_read(at(9));
        assert_eq!((window.checkpoint(), window.len()), (at(9), 0));
    }

    #[test]
    fn what_an_earlier_holder_has_settled_is_not_taken_in_again_and_moves_no_checkpoint_past_what_was_not_read()
     {
        let mut window = Window::new(3, &[5, 8]);
        assert!(window.open(at(4)));
        window.note_read(at(4));
        assert!(!window.open(at(5)));
        window.note_read(at(5));
        window.settle(at(4));
        assert_eq!((window.checkpoint(), window.settled()), (at(5), vec![8]));
        assert!(!window.open(at(5)) && window.open(at(7)));
    }
}
