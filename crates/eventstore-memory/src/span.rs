/// A part of the log: the positions greater than `after`, up to and including `through`.
#[derive(Clone, Copy)]
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
}

/// Which end of a list counts when it is cut.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    First(usize),
    Last(usize),
}
