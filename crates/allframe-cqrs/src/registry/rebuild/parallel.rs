use std::{
    hash::{BuildHasher, RandomState},
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
};

use eventstore_api::{GlobalPosition, RecordedEvent};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    Projection,
    panicked::apply_again,
    registry::{
        feed::{Entry, Feed},
        live::Applied,
        recipe::Recipe,
    },
};

/// How many batches a worker may be behind the reader.
const BATCHES_AHEAD: usize = 4;

/// Builds a state of all events up to a position: the streams are dealt out to workers, each of which decodes and applies the
/// events of its own in their order, and what they come to is put together.
///
/// Nothing when anything failed on the way. Then it is not known what came of which event.
pub(super) async fn build<P: Projection + 'static>(
    recipe: &Recipe<P>,
    merge: fn(&mut P, P),
    feed: &Feed<P::Event>,
    workers: NonZeroUsize,
    target: GlobalPosition,
    mut told: impl FnMut(GlobalPosition, u64),
) -> Option<Applied<P>> {
    let mut building = JoinSet::new();
    let mut batches = Vec::new();
    for number in 0..workers.get() {
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
        batches.push(sender);
        let state = recipe.make();
        building.spawn(async move { (number, apply_all(state, receiver).await) });
    }
    let position = deal_out(feed, &batches, target, &mut told).await?;
    drop(batches);

    let mut parts = Vec::new();
    while let Some(part) = building.join_next().await {
        let (number, part) = part.ok()?;
        parts.push((number, part?));
    }
    // Always in one order, so that a rebuild does not depend on who was done first.
    parts.sort_unstable_by_key(|&(number, _)| number);
    let put_together = || {
        parts.into_iter().map(|(_, part)| part).reduce(|mut whole, part| {
            merge(&mut whole, part);
            whole
        })
    };
    let state = catch_unwind(AssertUnwindSafe(put_together)).ok()??;
    Some(Applied::new(state, position))
}

async fn deal_out<P: crate::Event>(
    feed: &Feed<P>,
    batches: &[mpsc::Sender<Vec<RecordedEvent>>],
    target: GlobalPosition,
    told: &mut impl FnMut(GlobalPosition, u64),
) -> Option<GlobalPosition> {
    let hasher = RandomState::new();
    let mut position = GlobalPosition::START;
    while position < target {
        tokio::task::yield_now().await;
        let Some((records, next)) = feed.records_after(position).await.ok()? else { break };
        let mut shares = vec![Vec::new(); batches.len()];
        let mut count = 0;
        for record in records.into_iter().take_while(|record| record.position <= target) {
            let worker = hasher.hash_one(&record.stream) % batches.len() as u64;
            shares.get_mut(usize::try_from(worker).unwrap_or_default())?.push(record);
            count += 1;
        }
        for (share, batches) in shares.into_iter().zip(batches) {
            if !share.is_empty() {
                // Its worker has met something that fails.
                batches.send(share).await.ok()?;
            }
        }
        position = next.min(target);
        told(position, count);
    }
    Some(position)
}

async fn apply_all<P: Projection>(
    mut state: P,
    mut batches: mpsc::Receiver<Vec<RecordedEvent>>,
) -> Option<P> {
    while let Some(batch) = batches.recv().await {
        for record in batch {
            let entry = Entry::of(record);
            apply_again(&mut state, entry.readable().ok()?).ok()?;
        }
        tokio::task::yield_now().await;
    }
    Some(state)
}
