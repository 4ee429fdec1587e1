use eventstore_api::Direction;

/// A part of the log: the positions greater than `after`, up to and including `through`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) after: u64,
    pub(crate) through: u64,
}

impl Span {
    /// What lies after a position.
    pub(crate) fn after(position: u64, head: u64) -> Self {
        Self { after: position, through: head }
    }

    /// What lies before a position.
    pub(crate) fn before(position: u64, head: u64) -> Self {
        Self { after: 0, through: head.min(position.saturating_sub(1)) }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.after >= self.through
    }

    pub(crate) fn contains(self, position: u64) -> bool {
        position > self.after && position <= self.through
    }

    /// Its first positions in the direction of reading, this many or all.
    pub(crate) fn leading(self, direction: Direction, count: usize) -> Self {
        let count = count as u64;
        match direction {
            Direction::Forward => {
                Self { through: self.through.min(self.after.saturating_add(count)), ..self }
            }
            Direction::Backward => Self { after: self.after.max(self.through.saturating_sub(count)), ..self },
        }
    }

    /// What a reader in this direction meets up to a position, the position included.
    pub(crate) fn up_to(self, direction: Direction, position: u64) -> Self {
        match direction {
            Direction::Forward => Self { through: self.through.min(position), ..self },
            Direction::Backward => Self { after: self.after.max(position.saturating_sub(1)), ..self },
        }
    }

    /// Its positions in the direction of reading.
    pub(crate) fn positions(self, direction: Direction) -> Box<dyn Iterator<Item = u64>> {
        let rising = self.after.saturating_add(1)..=self.through;
        match direction {
            Direction::Forward => Box::new(rising),
            Direction::Backward => Box::new(rising.rev()),
        }
    }

    /// The part of a rising list of positions that lies in it.
    pub(crate) fn inside(self, rising: &[u64]) -> &[u64] {
        // Most searches are about the end of the log, or all of it, and need not search for the borders.
        let (Some(&first), Some(&last)) = (rising.first(), rising.last()) else { return &[] };
        if last <= self.after {
            return &[];
        }
        let start = match first > self.after {
            true => 0,
            false => rising.partition_point(|&position| position <= self.after),
        };
        let end = match last <= self.through {
            true => rising.len(),
            false => rising.partition_point(|&position| position <= self.through),
        };
        rising.get(start..end).unwrap_or_default()
    }
}
