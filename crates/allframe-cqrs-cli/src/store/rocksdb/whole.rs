//! Reads what can be read of a store that is damaged.

use std::collections::HashSet;

use eventstore_api::{EventStoreBackend, GlobalPosition, ReadAll, Result, StoreError};
use eventstore_rocksdb::RocksDbReader;

use crate::{
    page::{PAGE_BYTES, PAGE_EVENTS},
    store::{OnEvent, Place, Verdict},
};

/// Shows every event that can be read, and says where others cannot. Damage keeps whole blocks from being read, of some
/// dozens of events each; their positions have no gap, so each of them can be asked for by itself.
pub(super) async fn events(store: &RocksDbReader, show: &mut OnEvent<'_>) -> Result<Verdict> {
    let stats = store.stats().await?;
    let mut verdict =
        Verdict { snapshots: stats.total_snapshots, head: stats.head.get(), ..Verdict::default() };
    let (mut streams, mut unreadable) = (HashSet::new(), Unreadable::default());
    let (mut after, mut limit) = (GlobalPosition::START, PAGE_EVENTS);
    while after < stats.head {
        match store.read_all(&ReadAll::after(after).limit(limit).max_bytes(PAGE_BYTES)).await {
            Ok(page) => {
                for event in page.events.into_iter().take_while(|event| event.position <= stats.head) {
                    verdict.events += 1;
                    if !streams.contains(&event.stream) {
                        streams.insert(event.stream.clone());
                    }
                    show(event);
                }
                after = page.next;
                limit = (limit * 2).min(PAGE_EVENTS);
            }
            Err(StoreError::Corrupted { .. }) if limit > 1 => limit /= 2,
            Err(StoreError::Corrupted { detail, .. }) => {
                after = GlobalPosition::new(after.get() + 1);
                unreadable.add(after, detail);
            }
            Err(error) => return Err(error),
        }
    }
    verdict.streams = streams.len() as u64;
    verdict.damages = unreadable.into_places();
    Ok(verdict)
}

/// Events that cannot be read: those that follow each other together, with the reason for the first.
#[derive(Default)]
struct Unreadable(Vec<Run>);

struct Run {
    first: GlobalPosition,
    last: GlobalPosition,
    detail: String,
}

impl Unreadable {
    fn add(&mut self, position: GlobalPosition, detail: String) {
        match self.0.last_mut() {
            Some(run) if run.last.get() + 1 == position.get() => run.last = position,
            _ => self.0.push(Run { first: position, last: position, detail }),
        }
    }

    fn into_places(self) -> Vec<Place> {
        let place = |Run { first, last, detail }: Run| Place {
            place: if first == last {
                format!("the event at position {first}")
            } else {
                format!("the events at positions {first} to {last}")
            },
            detail,
        };
        self.0.into_iter().map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_that_follow_each_other_are_one_place() {
        let mut unreadable = Unreadable::default();
        for (position, detail) in [(3, "a"), (4, "b"), (6, "c"), (8, "d"), (9, "d")] {
            unreadable.add(GlobalPosition::new(position), detail.to_owned());
        }
        let places: Vec<_> = unreadable.into_places().into_iter().map(|it| (it.place, it.detail)).collect();
        let expected = [
            ("the events at positions 3 to 4", "a"),
            ("the event at position 6", "c"),
            ("the events at positions 8 to 9", "d"),
        ];
        assert_eq!(places, expected.map(|(place, detail)| (place.to_owned(), detail.to_owned())));
    }
}
