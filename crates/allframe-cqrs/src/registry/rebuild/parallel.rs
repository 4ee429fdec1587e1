use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use eventstore_api::{GlobalPosition, RecordedEvent};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    Projection,
    panicked::apply_again,
    registry::{feed::Feed, live::Applied, recipe::Recipe},
    versioning::EventReader,
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
    told: impl FnMut(GlobalPosition, u64),
) -> Option<Applied<P>> {
    let mut building = JoinSet::new();
    let mut batches = Vec::new();
    for number in 0..workers.get() {
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
        batches.push(sender);
        let (state, reader) = (recipe.make(), Arc::clone(feed.reader()));
        building.spawn(async move { (number, apply_all(state, receiver, &reader).await) });
    }
    let mut dealt_out = DealtOut { pages: VecDeque::new(), told };
    let position = deal_out(feed, &batches, target, &mut dealt_out).await?;
    drop(batches);

    let mut parts = Vec::new();
    while let Some(part) = building.join_next().await {
        let (number, part) = part.ok()?;
        parts.push((number, part?));
    }
    dealt_out.tell();
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

/// What one worker has of a page of the log.
struct Share {
    records: Vec<RecordedEvent>,
    /// Held until they are applied.
    page: Arc<Page>,
}

/// All events up to its end that are not of the page before.
struct Page {
    end: GlobalPosition,
    events: u64,
}

/// The pages that are not known to be applied, in their order, and who is told of those that are.
struct DealtOut<F> {
    pages: VecDeque<Arc<Page>>,
    told: F,
}

impl<F: FnMut(GlobalPosition, u64)> DealtOut<F> {
    /// Tells of those of which nobody has a share any more.
    fn tell(&mut self) {
        while let Some(page) = self.pages.front().filter(|page| Arc::strong_count(page) == 1) {
            (self.told)(page.end, page.events);
            self.pages.pop_front();
        }
    }
}

async fn deal_out<E: crate::Event>(
    feed: &Feed<E>,
    batches: &[mpsc::Sender<Share>],
    target: GlobalPosition,
    dealt_out: &mut DealtOut<impl FnMut(GlobalPosition, u64)>,
) -> Option<GlobalPosition> {
    let hasher = RandomState::new();
    let mut position = GlobalPosition::START;
    while position < target {
        tokio::task::yield_now().await;
        let Some((records, next)) = feed.records_after(position).await.ok()? else { break };
        let mut shares = vec![Vec::new(); batches.len()];
        let mut events = 0;
        for record in records.into_iter().take_while(|record| record.position <= target) {
            let worker = hasher.hash_one(&record.stream) % batches.len() as u64;
            shares.get_mut(usize::try_from(worker).unwrap_or_default())?.push(record);
            events += 1;
        }
        position = next.min(target);
        let page = Arc::new(Page { end: position, events });
        for (records, batches) in shares.into_iter().zip(batches) {
            if !records.is_empty() {
                // Where that fails, its worker has met something that fails.
                batches.send(Share { records, page: Arc::clone(&page) }).await.ok()?;
            }
        }
        dealt_out.pages.push_back(page);
        dealt_out.tell();
    }
    Some(position)
}

async fn apply_all<P: Projection>(
    mut state: P,
    mut batches: mpsc::Receiver<Share>,
    reader: &EventReader<P::Event>,
) -> Option<P> {
    while let Some(Share { records, page }) = batches.recv().await {
        for record in records {
            for event in reader.read(record).ok()? {
                apply_again(&mut state, &event).ok()?;
            }
        }
        drop(page);
        tokio::task::yield_now().await;
    }
    Some(state)
}
