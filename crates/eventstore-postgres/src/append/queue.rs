use std::{collections::VecDeque, sync::Arc, time::Duration};

use eventstore_api::{AppendBatch, Appended, Result, StoreError};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::{Instant, timeout_at},
};

use super::{Job, claim::Claim, group::Group};
use crate::{PostgresError, store::Store};

/// How many callers may wait for a group to go with, before the next has to wait to be let in.
const WAITING: usize = 1_024;
/// How many groups are on their way at once: while the server commits one, it can take up the next.
const UNDER_WAY: usize = 2;
/// Longer than anybody waits, and short enough to be added to any time.
const LONGEST_PATIENCE: Duration = Duration::from_secs(365 * 86_400);

/// Where appends wait for the next group.
#[derive(Debug)]
pub(crate) struct Queue {
    jobs: mpsc::Sender<Job>,
    /// How long a job may wait to be sent.
    patience: Duration,
}

impl Queue {
    /// Starts the task that sends groups. It ends when the queue is dropped, after the last group.
    pub(crate) fn start(store: Arc<Store>) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let patience = store.connections.acquire_timeout();
        tokio::spawn(send_groups(store, waiting));
        Self { jobs, patience }
    }

    /// Appends a batch that is valid.
    pub(crate) async fn append(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let (answer, mut outcome) = oneshot::channel();
        let claim = Claim::default();
        let deadline = Instant::now() + self.patience.min(LONGEST_PATIENCE);
        let job = Job { batch, answer, claim: claim.clone() };
        match timeout_at(deadline, self.jobs.send(job)).await {
            Ok(sent) => sent.map_err(|_| StoreError::Closed)?,
            Err(_) => return Err(self.too_late()),
        }
        let answered = match timeout_at(deadline, &mut outcome).await {
            Ok(answered) => answered,
            Err(_) if claim.give_up() => return Err(self.too_late()),
            // It was sent: from here on there is another limit.
            Err(_) => outcome.await,
        };
        // The runtime goes down, and took the task with it.
        answered.unwrap_or_else(|error| Err(StoreError::outcome_unknown(error)))
    }

    fn too_late(&self) -> StoreError {
        PostgresError::QueueTimeout { waited: self.patience }.unavailable()
    }
}

async fn send_groups(store: Arc<Store>, mut waiting: mpsc::Receiver<Job>) {
    let under_way = Arc::new(Semaphore::new(UNDER_WAY));
    let mut later = VecDeque::new();
    loop {
        let Ok(turn) = Arc::clone(&under_way).acquire_owned().await else { return };
        let first = match later.pop_front() {
            Some(job) => job,
            None => match waiting.recv().await {
                Some(job) => job,
                None => return,
            },
        };
        let mut group = Group::of(first);
        let mut others = std::mem::take(&mut later);
        while let Some(job) = others.pop_front().or_else(|| waiting.try_recv().ok()) {
            if let Err(job) = group.take(job) {
                later.push_back(job);
            }
            if group.is_full() || later.len() >= WAITING {
                break;
            }
        }
        later.append(&mut others);
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            group.send(&store).await;
            drop(turn);
        });
    }
}
