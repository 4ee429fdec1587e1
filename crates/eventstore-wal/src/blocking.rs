//! Keeping those who wait for the disk off the threads of the runtime.

use eventstore_api::{Direction, Result, StreamRange, Version};
use eventstore_embedded::waiting;

use crate::{damage::Failure, index::Wait};

/// How long a read keeps its thread busy, even if everything is in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Not worth going elsewhere, which takes 20 us.
    Little,
    /// Long enough to hold up other tasks.
    Much,
}

impl Effort {
    /// Of reading at most so many events.
    pub(crate) fn of(events: u64) -> Self {
        if events <= 2_048 { Self::Little } else { Self::Much }
    }

    /// Of reading a part of a stream that has come to this version.
    pub(crate) fn of_stream(version: Version, range: StreamRange) -> Self {
        let there = match range.direction {
            Direction::Forward => version.get().saturating_sub(range.after.get()),
            Direction::Backward => version.get().min(range.after.get()),
        };
        Self::of(there.min(range.limit.map_or(u64::MAX, |limit| limit as u64)))
    }
}

/// Does something that reads: at once where that is little and everything in memory, else where it holds nobody up.
pub(crate) async fn off_the_runtime<S, T>(
    effort: Effort,
    shared: S,
    read: impl Fn(&S, Wait) -> Result<T, Failure> + Send + 'static,
) -> Result<T>
where
    S: Send + 'static,
    T: Send + 'static,
{
    if effort == Effort::Little {
        match read(&shared, Wait::Never) {
            Err(Failure::WouldWait) => {}
            answered => return Ok(answered?),
        }
    }
    waiting(move || Ok(read(&shared, Wait::Allowed)?)).await
}
