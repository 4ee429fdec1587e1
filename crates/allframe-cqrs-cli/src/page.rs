//! How much is read of a store at a time, and how all of it is read.

use eventstore_api::{EventStoreBackend, ReadAll, RecordedEvent, Result};

use crate::{progress::Progress, store::Store};

pub(crate) const PAGE_EVENTS: usize = 4_096;
/// Of payloads.
pub(crate) const PAGE_BYTES: usize = 4 << 20;

/// Shows what is asked for of all events, up to the end that the store has now. Holds a page of them at a time.
pub(crate) async fn each_event(
    store: &Store,
    query: ReadAll,
    progress: &mut Progress,
    mut show: impl FnMut(&RecordedEvent),
) -> Result<()> {
    let head = store.head().await?;
    let mut query = query.limit(PAGE_EVENTS).max_bytes(PAGE_BYTES);
    loop {
        let page = store.read_all(&query).await?;
        page.events.iter().take_while(|event| event.position <= head).for_each(&mut show);
        progress.at_events(page.next.get().min(head.get()), head.get());
        // Only the end says that nothing is missing: a damaged store has none.
        if page.end_reached || page.next > head {
            return Ok(());
        }
        query = query.next_page(&page);
    }
}
