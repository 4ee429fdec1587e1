mod manual;
mod stored;
mod system;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use eventstore_api::Timestamp;
pub use manual::ManualClock;
pub(crate) use stored::{micros, optional_micros};
pub use system::SystemClock;

/// What time it is, and waiting for a time.
///
/// Whatever waits for hours takes one, so that its tests need not: [`SystemClock`] in an application, [`ManualClock`] in a test.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time of day.
    fn now(&self) -> Timestamp;

    /// How long this clock has run, from any moment on. Unlike the time of day it is never set: it is for what may take so long
    /// and no longer.
    fn elapsed(&self) -> Duration;

    /// Returns once it is this late. A moment that has passed is no reason to wait.
    ///
    /// Dropping the future early ends the waiting.
    async fn sleep_until(&self, moment: Timestamp);

    /// Returns once so much time has passed.
    ///
    /// Dropping the future early ends the waiting.
    async fn sleep(&self, time: Duration) {
        self.sleep_until(after(self.now(), time)).await;
    }
}

/// What never comes.
pub(crate) const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// The moment so long after another; the last there is where it is later than that.
pub(crate) fn after(moment: Timestamp, time: Duration) -> Timestamp {
    let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(moment.as_micros().saturating_add(micros))
}

/// How long after one moment another is; nothing where it is before it.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    let micros = to.as_micros().saturating_sub(from.as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}
