//! Holds what a store answers against what every store promises, for stores whose files are not this program's.

mod findings;

use eventstore_api::{EventStoreBackend, GlobalPosition, ReadAll, Result, StoreError};

use self::findings::Findings;
use super::{Place, Verdict};
use crate::{
    page::{PAGE_BYTES, PAGE_EVENTS},
    progress::Progress,
};

/// Reads everything, and checks that positions rise by one, versions too in each stream, time does not run backwards, no
/// id is twice in a stream, and the store counts as many as were read. What is appended meanwhile is left out.
///
/// A store out of which the oldest events have been moved begins behind them, and so may its streams.
///
/// It remembers the id of each event and the name of each stream, so a million events take some 100 MB. `as_damage` knows the
/// errors of this store by which it says that something is damaged.
pub(super) async fn check<B: EventStoreBackend>(
    store: &B,
    progress: &mut Progress,
    as_damage: fn(&StoreError) -> Option<String>,
) -> Result<Verdict> {
    let counted = store.stats().await?;
    let mut found = Findings::of(&counted);
    let mut query = ReadAll::forward().limit(PAGE_EVENTS).max_bytes(PAGE_BYTES);
    loop {
        let page = match store.read_all(&query).await {
            Ok(page) => page,
            Err(error) => {
                let place = damage(&error, query.after, as_damage).ok_or(error)?;
                return Ok(found.up_to(query.after, place, &counted));
            }
        };
        let is_last = page.end_reached || page.next >= counted.head;
        for event in page.events.iter().take_while(|event| event.position <= counted.head) {
            found.look_at(event);
        }
        progress.at_events(found.events(), counted.total_events);
        query = query.next_page(&page);
        if is_last {
            return Ok(found.against(&counted));
        }
    }
}

fn damage(
    error: &StoreError,
    after: GlobalPosition,
    as_damage: fn(&StoreError) -> Option<String>,
) -> Option<Place> {
    match error {
        StoreError::Corrupted { place, detail } => {
            Some(Place { place: place.clone(), detail: detail.clone() })
        }
        other => {
            let place = format!("the events after position {after}");
            as_damage(other).map(|detail| Place { place, detail })
        }
    }
}

#[cfg(test)]
#[cfg(feature = "memory")]
mod tests {
    use eventstore_api::{EventType, Snapshot, StreamId, Version};

    use super::*;
    use crate::store::erring::{Asked, Erring, store_of};

    #[tokio::test]
    async fn of_a_store_that_is_damaged_in_the_middle_is_told_what_was_read_before() {
        // Too much for one page.
        let store = Erring::new(store_of(3, 3 << 20).await, |asked| match asked {
            Asked::ReadAll(1) => {
                Some(StoreError::Corrupted { place: "page 7".to_owned(), detail: "torn".to_owned() })
            }
            _ => None,
        });
        let snapshot = {
            let (stream, state) = (StreamId::new("s0").unwrap(), EventType::new("S").unwrap());
            Snapshot::new(stream, Version::new(1), state, "1")
        };
        store.save_snapshot(snapshot).await.unwrap();
        let verdict = check(&store, &mut Progress::unknown(), |_| None).await.unwrap();
        let read = verdict.events;
        assert!(0 < read && read < 3, "{verdict:?}");
        assert_eq!((verdict.streams, verdict.snapshots, verdict.head), (read, 1, read));
        assert_eq!(verdict.damages, [Place { place: "page 7".to_owned(), detail: "torn".to_owned() }]);
        assert_eq!(verdict.notes, [format!("what lies behind position {read} was not looked at")]);
    }
}
