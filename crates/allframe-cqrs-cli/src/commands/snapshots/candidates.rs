use std::collections::BTreeSet;

use eventstore_api::{EventFilter, ReadAll, StreamId};

use crate::{failure::Failure, page::each_event, progress::Progress, store::Store};

/// What the toolkit keeps of the sagas in a store: a snapshot of a stream without events.
const OF_SAGAS: &str = "$projection-$sagas-v1";

/// The streams that may have a snapshot, by their names: all that have events, and what is known to have none.
///
/// The one place to change once a store can name its snapshots.
pub(super) async fn streams(
    store: &Store,
    prefix: &str,
    progress: &mut Progress,
) -> Result<Vec<StreamId>, Failure> {
    let filter = if prefix.is_empty() { EventFilter::all() } else { EventFilter::stream_prefix(prefix) };
    let mut streams: BTreeSet<StreamId> = BTreeSet::new();
    streams.extend(StreamId::new(OF_SAGAS).ok().filter(|stream| stream.as_str().starts_with(prefix)));
    each_event(store, ReadAll::forward().filter(filter), progress, |event| {
        if !streams.contains(&event.stream) {
            streams.insert(event.stream.clone());
        }
    })
    .await?;
    Ok(streams.into_iter().collect())
}
