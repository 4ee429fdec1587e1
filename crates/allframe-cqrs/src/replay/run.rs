use std::{future::Future, pin::pin};

use eventstore_api::{EventFilter, EventStoreBackend, GlobalPosition, Timestamp};
use futures_util::future::{self, Either};
use tokio::{sync::watch, time};

use super::{
    ReplayEnd, ReplayError, ReplayState, Replayed, control::Wish, pace::Pace, progress::ProgressReport,
    target::ReplayTarget,
};
use crate::{AsOf, Event, EventStore, Result, event_store::FixedRange};

/// A replay under way.
pub(super) struct Run<E, B, T> {
    pub(super) store: EventStore<E, B>,
    pub(super) after: GlobalPosition,
    pub(super) until: Option<AsOf>,
    pub(super) filter: EventFilter,
    pub(super) pace: Pace,
    pub(super) target: T,
    pub(super) wishes: watch::Receiver<Wish>,
    pub(super) report: ProgressReport,
}

/// It was cancelled.
struct Cancelled;

impl<E: Event, B: EventStoreBackend, T: ReplayTarget<E>> Run<E, B, T> {
    pub(super) async fn finish(mut self) -> Result<Replayed<T::Output>, ReplayError> {
        let outcome = self.replay().await;
        let progress = self.report.now();
        let (position, events) = (progress.position, progress.events);
        match outcome {
            Ok(end) => {
                let state = self.target.into_output();
                self.report.over(match end {
                    ReplayEnd::Finished => ReplayState::Finished,
                    ReplayEnd::Cancelled => ReplayState::Cancelled,
                });
                Ok(Replayed { state, position, events, end })
            }
            Err(source) => {
                self.report.over(ReplayState::Failed);
                Err(ReplayError { position, events, source })
            }
        }
    }

    async fn replay(&mut self) -> Result<ReplayEnd> {
        let opening = self.store.fixed_range(self.after, self.until, &self.filter);
        let mut range: FixedRange<B> = match unless_cancelled(&mut self.wishes, opening).await {
            Ok(range) => range?,
            Err(Cancelled) => return Ok(ReplayEnd::Cancelled),
        };
        self.report.ends_at(range.known_end());
        loop {
            if let Err(Cancelled) = self.while_paused().await {
                return Ok(ReplayEnd::Cancelled);
            }
            let page = match unless_cancelled(&mut self.wishes, range.next_page()).await {
                Ok(page) => page?,
                Err(Cancelled) => return Ok(ReplayEnd::Cancelled),
            };
            for record in page.records {
                if let Err(Cancelled) = self.turn_of(record.recorded_at).await {
                    return Ok(ReplayEnd::Cancelled);
                }
                let position = record.position;
                for event in self.store.reader().read(record)? {
                    self.target.take(event).await?;
                }
                self.report.took_in(position);
            }
            self.report.passed(page.through);
            if page.is_last {
                return Ok(ReplayEnd::Finished);
            }
        }
    }

    /// Waits until an event is due that was recorded then, and while the replay is paused.
    async fn turn_of(&mut self, recorded_at: Timestamp) -> Result<(), Cancelled> {
        let is_paced = self.pace.next(recorded_at).is_some();
        loop {
            self.while_paused().await?;
            let due = self.pace.due().filter(|due| is_paced && *due > time::Instant::now());
            let Some(due) = due else { return Ok(()) };
            let waiting = pin!(time::sleep_until(due));
            let wishes = pin!(self.wishes.changed());
            // All who could wish for anything are gone.
            if let Either::Right((Err(_), _)) = future::select(waiting, wishes).await {
                return Err(Cancelled);
            }
        }
    }

    /// Stands still as long as that is wished for.
    async fn while_paused(&mut self) -> Result<(), Cancelled> {
        let wish = *self.wishes.borrow_and_update();
        match wish {
            Wish::Run => return Ok(()),
            Wish::Cancel => return Err(Cancelled),
            Wish::Pause => {}
        }
        self.report.paused();
        let wish = self.wishes.wait_for(|wish| *wish != Wish::Pause).await.map(|wish| *wish);
        let paused = self.report.resumed();
        self.pace.postpone(paused);
        if wish.ok() == Some(Wish::Run) { Ok(()) } else { Err(Cancelled) }
    }
}

/// What a read comes to, which may be given up at any time.
async fn unless_cancelled<T>(
    wishes: &mut watch::Receiver<Wish>,
    read: impl Future<Output = T>,
) -> Result<T, Cancelled> {
    let cancelled = pin!(wishes.wait_for(|wish| *wish == Wish::Cancel));
    match future::select(cancelled, pin!(read)).await {
        Either::Left(_) => Err(Cancelled),
        Either::Right((outcome, _)) => Ok(outcome),
    }
}
