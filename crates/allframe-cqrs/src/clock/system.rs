use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use eventstore_api::Timestamp;

use super::{Clock, between};

/// After so long a wait looks at the time again: the clock may have been set, or the machine have slept.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The clock of the machine. It needs a tokio runtime with time.
///
/// ```
/// use allframe_cqrs::{Clock, SystemClock, Timestamp};
///
/// assert!(SystemClock.now() > Timestamp::from_micros(0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        BEGUN.elapsed()
    }

    /// Whatever becomes of the time of day meanwhile.
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    async fn sleep_until(&self, moment: Timestamp) {
        loop {
            let left = between(self.now(), moment);
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
        }
    }
}
