use async_trait::async_trait;
use eventstore_api::GlobalPosition;

use super::{OnFault, ProjectionFault, fault::Failure, feed::Entry};
use crate::{Event, Result};

/// Where a projection puts what its events add up to: the memory of this process, or a database outside.
///
/// A runner gives it the events in their order and decides what becomes of those that fail.
#[async_trait]
pub(super) trait Sink<E: Event>: Send + 'static {
    /// How far it is.
    ///
    /// # Errors
    ///
    /// What kept it from being known.
    async fn standing(&mut self) -> Result<Standing, Failure>;

    /// Takes these events in, and knows then that everything up to `through` is; those that it has already are passed by.
    async fn take(&mut self, entries: &[Entry<E>], through: GlobalPosition) -> Taken;

    /// Goes on without an event that has failed.
    async fn pass_over(&mut self, fault: &ProjectionFault, how: OnFault) -> Result<(), Failure>;

    /// Whether what has been taken in may be made durable as it is.
    fn may_be_saved(&self) -> bool {
        true
    }

    /// Makes durable what has been taken in, where that is not so already; up to where.
    ///
    /// # Errors
    ///
    /// What kept it from being stored. Everything stays as it is, and the next call may do better.
    async fn save(&mut self) -> Result<Option<GlobalPosition>>;
}

/// How far a sink is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// Every event up to here has been taken in.
    pub(super) position: GlobalPosition,
    /// So many of them were parked.
    pub(super) parked: usize,
    /// What is there is of another version, and will be replaced.
    pub(super) is_outdated: bool,
    /// Up to where it is durable, where the sink itself knows.
    pub(super) stored: Option<GlobalPosition>,
}

/// What has been taken in.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) events: u64,
    /// The first event that failed. Everything before it has been taken in then, and nothing of it or behind it.
    pub(super) failure: Option<Failure>,
}

impl Taken {
    pub(super) fn all(events: u64) -> Self {
        Self { events, failure: None }
    }
}
