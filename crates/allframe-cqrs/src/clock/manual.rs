use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use eventstore_api::Timestamp;
use tokio::sync::watch;

use super::{Clock, NEVER, after, between};

/// A clock that stands until it is told to move on, so that a test of hours takes milliseconds.
///
/// Clones are the same clock.
///
/// ```
/// use std::time::Duration;
/// use allframe_cqrs::{Clock, ManualClock, Timestamp};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let clock = ManualClock::at(Timestamp::from_micros(0));
/// let sleeper = clock.clone();
/// let sleeping = tokio::spawn(async move { sleeper.sleep(Duration::from_secs(3600)).await });
/// clock.wake_next().await;
/// sleeping.await.unwrap();
/// assert_eq!(clock.now(), Timestamp::from_micros(3_600_000_000));
/// # });
/// ```
#[derive(Clone)]
pub struct ManualClock {
    shared: Arc<Shared>,
}

struct Shared {
    begun: Timestamp,
    state: Mutex<State>,
    /// Changes with every move of the time, and with every sleeper that comes.
    changed: watch::Sender<()>,
}

struct State {
    now: Timestamp,
    /// How many sleep until when.
    sleepers: BTreeMap<Timestamp, usize>,
}

impl ManualClock {
    /// A clock that stands at this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        let state = Mutex::new(State { now, sleepers: BTreeMap::new() });
        Self { shared: Arc::new(Shared { begun: now, state, changed: watch::Sender::new(()) }) }
    }

    /// A clock that stands at the time of the machine.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Timestamp::now())
    }

    /// Moves the time on.
    pub fn advance(&self, time: Duration) {
        let mut state = self.shared.lock();
        state.now = after(state.now, time);
        drop(state);
        self.shared.changed.send_replace(());
    }

    /// Waits until somebody sleeps who is to wake, and moves the time to where the first of them does. Answers how far it moved.
    ///
    /// Dropping the future early leaves the time where it is.
    pub async fn wake_next(&self) -> Duration {
        let mut changed = self.shared.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if let Some(moved) = self.wake_first() {
                return moved;
            }
            // The sender lives as long as this handle.
            let _ = changed.changed().await;
        }
    }

    fn wake_first(&self) -> Option<Duration> {
        let mut state = self.shared.lock();
        let first = state.sleepers.keys().copied().find(|moment| *moment > state.now && *moment < NEVER)?;
        let moved = between(state.now, first);
        state.now = first;
        drop(state);
        self.shared.changed.send_replace(());
        Some(moved)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.shared.lock().now
    }

    fn elapsed(&self) -> Duration {
        between(self.shared.begun, self.now())
    }

    async fn sleep_until(&self, moment: Timestamp) {
        let mut changed = self.shared.changed.subscribe();
        if self.now() >= moment {
            return;
        }
        let _sleeper = Sleeper::lie_down(&self.shared, moment);
        while self.now() < moment {
            // The sender lives as long as this handle.
            let _ = changed.changed().await;
        }
    }
}

/// One who sleeps; gone when he wakes, or is dropped.
struct Sleeper<'a> {
    shared: &'a Shared,
    until: Timestamp,
}

impl<'a> Sleeper<'a> {
    fn lie_down(shared: &'a Shared, until: Timestamp) -> Self {
        *shared.lock().sleepers.entry(until).or_default() += 1;
        shared.changed.send_replace(());
        Self { shared, until }
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(sleepers) = state.sleepers.get_mut(&self.until) {
            *sleepers -= 1;
            if *sleepers == 0 {
                state.sleepers.remove(&self.until);
            }
        }
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock").field("now", &self.now()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn later(clock: &ManualClock, seconds: u32) -> Timestamp {
        after(clock.now(), seconds * SECOND)
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_it_is_time_and_not_before() {
        let clock = ManualClock::at(Timestamp::from_micros(0));
        let mut sleep = pin!(clock.sleep_until(later(&clock, 2)));
        assert!(poll!(&mut sleep).is_pending());
        clock.advance(SECOND);
        assert!(poll!(&mut sleep).is_pending());
        clock.advance(SECOND);
        assert!(poll!(&mut sleep).is_ready());
        assert_eq!(clock.elapsed(), 2 * SECOND);
    }

    #[tokio::test]
    async fn the_first_sleeper_is_woken_and_one_that_gave_up_is_forgotten() {
        let clock = ManualClock::at(Timestamp::from_micros(0));
        {
            let mut gives_up = pin!(clock.sleep_until(later(&clock, 1)));
            assert!(poll!(&mut gives_up).is_pending());
        }
        let mut sleep = pin!(clock.sleep_until(later(&clock, 3)));
        let mut longer = pin!(clock.sleep_until(later(&clock, 5)));
        assert!(poll!(&mut sleep).is_pending() && poll!(&mut longer).is_pending());
        assert_eq!(clock.wake_next().await, 3 * SECOND);
        assert!(poll!(&mut sleep).is_ready() && poll!(&mut longer).is_pending());
    }
}
