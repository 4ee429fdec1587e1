use std::collections::BTreeMap;

use eventstore_api::{GlobalPosition, ReadAll, RecordedEvent};

use crate::{failure::Failure, page::each_event, progress::Progress, store::Store};

/// How many events lie behind each of some positions, of one pass over what lies behind the lowest.
pub(super) struct Backlog(BTreeMap<GlobalPosition, u64>);

impl Backlog {
    pub(super) async fn behind(
        store: &Store,
        positions: impl IntoIterator<Item = GlobalPosition>,
        progress: &mut Progress,
    ) -> Result<Self, Failure> {
        let mut backlog = Self(positions.into_iter().map(|position| (position, 0)).collect());
        if let Some(lowest) = backlog.0.keys().next().copied() {
            each_event(store, ReadAll::after(lowest), progress, |event| {
                backlog.see(&event);
                Ok(())
            })
            .await?;
        }
        Ok(backlog.summed())
    }

    /// Behind a position that was asked about.
    pub(super) fn after(&self, position: GlobalPosition) -> u64 {
        self.0.get(&position).copied().unwrap_or_default()
    }

    /// Counts it at the last position before it.
    fn see(&mut self, event: &RecordedEvent) {
        // What the toolkit stores for itself begins so.
        if event.event_type.as_str().starts_with('$') {
            return;
        }
        if let Some((_, count)) = self.0.range_mut(..event.position).next_back() {
            *count += 1;
        }
    }

    fn summed(mut self) -> Self {
        let mut sum = 0;
        for count in self.0.values_mut().rev() {
            sum += *count;
            *count = sum;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use eventstore_api::{EventType, NewEvent, Placement, StreamId, Timestamp, Version};

    use super::*;

    fn event(position: u64, event_type: &'static str) -> RecordedEvent {
        NewEvent::new(EventType::new(event_type).unwrap(), "1").record(Placement {
            stream: StreamId::new("s").unwrap(),
            version: Version::new(position),
            position: GlobalPosition::new(position),
            recorded_at: Timestamp::from_micros(1),
        })
    }

    #[test]
    fn each_position_has_the_events_behind_it() {
        let positions = [0, 2, 3, 9].map(GlobalPosition::new);
        let mut backlog = Backlog(positions.map(|position| (position, 0)).into());
        for position in 1..=6 {
            backlog.see(&event(position, if position == 5 { "$group.member" } else { "T" }));
        }
        let backlog = backlog.summed();
        assert_eq!(positions.map(|position| backlog.after(position)), [5, 3, 2, 0]);
    }
}
