use eventstore_api::{EventStoreBackend, ReadAll, Timestamp};
use serde::Serialize;

use crate::{
    failure::Failure,
    jsonl::Rfc3339,
    page::each_event,
    progress::Progress,
    screen::{Colours, Span, plot},
    store::Store,
};

/// How many events there were in each part of the time from the first to the last.
#[derive(Serialize)]
pub(super) struct Growth {
    from: Rfc3339,
    to: Rfc3339,
    /// How long each part is.
    micros_each: u64,
    events: Vec<u64>,
}

impl Growth {
    /// Of all events, to be drawn so wide; `None` where there are none.
    pub(super) async fn of(store: &Store, width: usize) -> Result<Option<Self>, Failure> {
        // For what stands beside the columns.
        const MARGIN: usize = 14;
        let first = store.read_all(&ReadAll::forward().limit(1)).await?;
        let last = store.read_all(&ReadAll::backward().limit(1)).await?;
        let (Some(first), Some(last)) = (first.events.first(), last.events.first()) else { return Ok(None) };
        let mut growth =
            Self::between(first.recorded_at, last.recorded_at, width.saturating_sub(MARGIN).max(10));
        let mut progress = Progress::unknown();
        each_event(store, ReadAll::forward(), &mut progress, |event| {
            growth.see(event.recorded_at);
            Ok(())
        })
        .await?;
        Ok(Some(growth))
    }

    fn between(first: Timestamp, last: Timestamp, parts: usize) -> Self {
        let whole = last.as_micros().abs_diff(first.as_micros()).saturating_add(1);
        Self {
            from: Rfc3339(first),
            to: Rfc3339(last),
            micros_each: whole.div_ceil(parts as u64).max(1),
            events: vec![0; parts],
        }
    }

    /// What is appended meanwhile, or was recorded by a clock that was set back, counts where the time ends.
    fn see(&mut self, moment: Timestamp) {
        let (moment, from) = (moment.as_micros(), self.from.0.as_micros());
        // Between them may be more than an `i64` holds.
        let since = moment.max(from).abs_diff(from);
        let part = usize::try_from(since / self.micros_each).unwrap_or(usize::MAX);
        let last = self.events.len().saturating_sub(1);
        if let Some(count) = self.events.get_mut(part.min(last)) {
            *count += 1;
        }
    }

    pub(super) fn lines(&self, colours: Colours) -> Vec<String> {
        let mut sum = 0;
        let growth: Vec<u64> = self
            .events
            .iter()
            .map(|events| {
                sum += events;
                sum
            })
            .collect();
        let most = self.events.iter().copied().max().unwrap_or_default();
        let each = Span(self.micros_each);
        let (from, to) = (self.from.to_string(), self.to.to_string());
        let ends = (from.as_str(), to.as_str());
        // Both begin at the same column.
        let margin = sum.to_string().len();
        let mut lines = vec![String::new()];
        lines.extend(plot("events so far", &growth, &sum.to_string(), ends, colours));
        lines.push(String::new());
        let title = format!("events in each {each}, {} a second where most", rate(most, self.micros_each));
        lines.extend(plot(&title, &self.events, &format!("{most:>margin$}"), ends, colours));
        lines
    }
}

fn rate(events: u64, micros: u64) -> String {
    let a_second = u128::from(events) * 1_000_000 / u128::from(micros.max(1));
    match a_second {
        0 => "less than one".to_owned(),
        whole => whole.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_and_rate_are_drawn_over_the_same_time() {
        let moment = |seconds: i64| Timestamp::from_micros(1_357_034_400_000_000 + seconds * 1_000_000);
        let mut growth = Growth::between(moment(0), moment(6_599), 66);
        for second in 0..6_600 {
            for _ in 0..(second / 1_100) % 4 {
                growth.see(moment(second));
            }
        }
        insta::assert_snapshot!(growth.lines(Colours::NONE).join("\n"));
    }

    #[test]
    fn what_lies_outside_counts_at_the_ends() {
        let mut growth = Growth::between(Timestamp::from_micros(10), Timestamp::from_micros(19), 10);
        for moment in [i64::MIN, 10, 15, 19, 20, i64::MAX] {
            growth.see(Timestamp::from_micros(moment));
        }
        assert_eq!(growth.events, [2, 0, 0, 0, 0, 1, 0, 0, 0, 3]);
        let mut widest =
            Growth::between(Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX), 10);
        for moment in [i64::MIN, i64::MAX / 2, i64::MAX] {
            widest.see(Timestamp::from_micros(moment));
        }
        assert_eq!(widest.events, [1, 0, 0, 0, 0, 0, 0, 1, 0, 1]);
        let mut one = Growth::between(Timestamp::from_micros(7), Timestamp::from_micros(7), 10);
        one.see(Timestamp::from_micros(7));
        assert_eq!(one.events.iter().sum::<u64>(), 1);
    }
}
