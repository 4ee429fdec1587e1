use std::time::Duration;

use eventstore_api::Timestamp;
use tokio::time::Instant;

use super::ReplaySpeed;

/// When each event of a replay is due.
///
/// Times add up from event to event and not from when the last one was done, so that neither slow handlers nor the timer's
/// own grain make a long replay late.
pub(super) struct Pace {
    factor: Option<f64>,
    max_gap: Option<Duration>,
    last: Option<(Timestamp, Instant)>,
}

impl Pace {
    pub(super) fn new(speed: ReplaySpeed, max_gap: Option<Duration>) -> Self {
        Self { factor: speed.factor(), max_gap, last: None }
    }

    /// When the next event is due, which was recorded then; `None` for at once.
    pub(super) fn next(&mut self, recorded_at: Timestamp) -> Option<Instant> {
        let factor = self.factor?;
        let due = match self.last {
            None => Instant::now(),
            Some((before, due)) => later(due, self.gap(before, recorded_at, factor)),
        };
        self.last = Some((recorded_at, due));
        Some(due)
    }

    /// Everything that is still to come is due later by this.
    pub(super) fn postpone(&mut self, by: Duration) {
        if let Some((_, due)) = &mut self.last {
            *due = later(*due, by);
        }
    }

    /// When the event is due that was asked for last.
    pub(super) fn due(&self) -> Option<Instant> {
        self.last.map(|(_, due)| due)
    }

    fn gap(&self, before: Timestamp, after: Timestamp, factor: f64) -> Duration {
        let micros = after.as_micros().saturating_sub(before.as_micros());
        let original = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        let scaled = Duration::try_from_secs_f64(original.as_secs_f64() / factor).unwrap_or(FOREVER);
        scaled.min(self.max_gap.unwrap_or(FOREVER))
    }
}

/// Ten years: more than anyone waits, and less than what a clock can hold.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

fn later(moment: Instant, by: Duration) -> Instant {
    moment.checked_add(by).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(number: i64) -> Timestamp {
        Timestamp::from_micros(number * 1_000_000)
    }

    #[tokio::test(start_paused = true)]
    async fn gaps_are_divided_by_the_factor_and_then_capped() {
        let begun = Instant::now();
        let speed = ReplaySpeed::original_times(2.0).unwrap();
        let mut pace = Pace::new(speed, Some(Duration::from_secs(10)));
        let due: Vec<_> =
            [0, 4, 4, 1_000].map(|at| (pace.next(seconds(at)).unwrap() - begun).as_secs()).into();
        assert_eq!(due, [0, 2, 2, 12]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_runs_backwards_makes_no_gap() {
        let begun = Instant::now();
        let mut pace = Pace::new(ReplaySpeed::original(), None);
        let due: Vec<_> = [9, 3, 4].map(|at| (pace.next(seconds(at)).unwrap() - begun).as_secs()).into();
        assert_eq!(due, [0, 0, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_gap_beyond_all_clocks_is_a_long_one() {
        let begun = Instant::now();
        let mut pace = Pace::new(ReplaySpeed::original_times(f64::MIN_POSITIVE).unwrap(), None);
        pace.next(Timestamp::from_micros(i64::MIN)).unwrap();
        assert_eq!(pace.next(Timestamp::from_micros(i64::MAX)).unwrap() - begun, FOREVER);
    }
}
