use std::fmt;

/// The place of an event in the order of all events of a store.
///
/// Positions are ordered and opaque. They are comparable, and can be kept as a checkpoint; they are not promised to
/// be dense, so there is no arithmetic on them.
///
/// ```
/// use eventstore_api::GlobalPosition;
///
/// let checkpoint = GlobalPosition::new(42);
/// assert!(GlobalPosition::START < checkpoint && checkpoint < GlobalPosition::END);
/// assert_eq!(checkpoint.get(), 42);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GlobalPosition(u64);

impl GlobalPosition {
    /// Before every event: a read after it starts with the first one. No event has this position.
    pub const START: Self = Self(0);
    /// Beyond every event: where a backward read of everything starts. No event has this position.
    pub const END: Self = Self(u64::MAX);

    /// The position with this number, as a backend assigned it or a checkpoint kept it.
    #[must_use]
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The number, for keeping it in a checkpoint.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for GlobalPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
