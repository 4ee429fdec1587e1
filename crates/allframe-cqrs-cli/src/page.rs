//! How much is read of a store at a time, and how all of it is read.

use eventstore_api::{EventStoreBackend, ReadAll, RecordedEvent};

use crate::{failure::Failure, progress::Progress, store::Store};

pub(crate) const PAGE_EVENTS: usize = 4_096;
/// Of payloads.
pub(crate) const PAGE_BYTES: usize = 4 << 20;

/// Shows what is asked for of all events, up to the end that the store has now: where a service writes faster than this reads, there
/// would be no other. Holds a page of them at a time.
pub(crate) async fn each_event(
    store: &Store,
    query: ReadAll,
    progress: &mut Progress,
    mut show: impl FnMut(RecordedEvent) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let head = store.head().await?;
    let begin = query.after.get();
    let mut query = query.limit(PAGE_EVENTS).max_bytes(PAGE_BYTES);
    loop {
        let page = store.read_all(&query).await?;
        query = query.next_page(&page);
        let done = page.next.min(head).get();
        // Only the end says that nothing is missing: a damaged store has none.
        let is_last = page.end_reached || page.next > head;
        page.events.into_iter().take_while(|event| event.position <= head).try_for_each(&mut show)?;
        progress.at_events(done.saturating_sub(begin), head.get().saturating_sub(begin));
        if is_last {
            return Ok(());
        }
    }
}
