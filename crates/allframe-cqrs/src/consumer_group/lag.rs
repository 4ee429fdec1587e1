use std::{collections::BTreeSet, num::NonZeroU64};

use eventstore_api::{EventStoreBackend, GlobalPosition, ReadAll};

use super::{GroupError, settings::GroupCore};
use crate::Event;

/// How many events are looked at, about, before those of a partition are not counted further.
const EVENTS_PER_PASS: u64 = 10_000;
/// One partition may lie so far behind that a pass ends before the others begin: the next pass begins with those.
const PASSES: usize = 3;

/// A number of events, as far as it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lag {
    /// So many.
    Exactly(u64),
    /// So many, and perhaps more: 10 000 events of the group were looked at, and then no more.
    AtLeast(NonZeroU64),
    /// Nobody knows: among the events that were looked at was none of this partition, and more are stored.
    Unknown,
}

/// What is known of a partition before its events are counted.
pub(super) struct Backlog {
    /// Every event up to here is done with.
    pub(super) checkpoint: GlobalPosition,
    /// And these are, which come later.
    pub(super) settled: BTreeSet<u64>,
}

/// Counts what is stored behind the checkpoints, for all partitions at once.
pub(super) async fn lags<E: Event, B: EventStoreBackend>(
    core: &GroupCore<E, B>,
    backlogs: &[Backlog],
) -> Result<Vec<Lag>, GroupError> {
    let mut counts: Vec<Count> = backlogs.iter().map(|backlog| Count::from(backlog.checkpoint)).collect();
    for _ in 0..PASSES {
        let Some(begin) = counts.iter().filter(|count| count.lag.is_none()).map(|count| count.reached).min()
        else {
            break;
        };
        let end = pass(core, backlogs, &mut counts, begin).await?;
        counts.iter_mut().filter(|count| count.lag.is_none()).for_each(|count| count.end_pass(end));
    }
    Ok(counts.iter().map(|count| count.lag.unwrap_or(Lag::Unknown)).collect())
}

/// Where a pass has ended.
#[derive(Clone, Copy)]
enum PassEnd {
    AtHead,
    After(GlobalPosition),
}

async fn pass<E: Event, B: EventStoreBackend>(
    core: &GroupCore<E, B>,
    backlogs: &[Backlog],
    counts: &mut [Count],
    begin: GlobalPosition,
) -> Result<PassEnd, GroupError> {
    let reader = core.store.reader();
    let mut query = ReadAll::after(begin).filter(reader.filter(&core.settings.filter));
    let mut looked_at = 0_u64;
    while looked_at < EVENTS_PER_PASS {
        let page = core.store.backend().read_all(&query).await?;
        query = query.next_page(&page);
        for record in page.events {
            looked_at += 1;
            let events = core.key_of.as_ref().and_then(|_| reader.read(record.clone()).ok());
            let first = events.as_ref().and_then(|events| events.first());
            let place = core.partition_of(&core.key_of(first, &record)?) as usize;
            if let (Some(backlog), Some(count)) = (backlogs.get(place), counts.get_mut(place)) {
                let is_done =
                    record.position <= backlog.checkpoint || backlog.settled.contains(&record.position.get());
                count.events += u64::from(count.lag.is_none() && !is_done);
            }
        }
        if page.end_reached {
            return Ok(PassEnd::AtHead);
        }
    }
    Ok(PassEnd::After(query.after))
}

/// The counting of one partition.
struct Count {
    /// Every event up to here is counted or done with.
    reached: GlobalPosition,
    events: u64,
    /// What it came to, once it is not counted further.
    lag: Option<Lag>,
}

impl Count {
    fn from(checkpoint: GlobalPosition) -> Self {
        Self { reached: checkpoint, events: 0, lag: None }
    }

    fn end_pass(&mut self, end: PassEnd) {
        match end {
            PassEnd::AtHead => self.lag = Some(Lag::Exactly(self.events)),
            PassEnd::After(position) => {
                self.reached = self.reached.max(position);
                self.lag = NonZeroU64::new(self.events).map(Lag::AtLeast);
            }
        }
    }
}
