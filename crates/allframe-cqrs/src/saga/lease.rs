use std::{
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use eventstore_api::{AppendBatch, Encoding, EventType, ExpectedVersion, NewEvent};
use serde::{Deserialize, Serialize};

use super::{SagaError, log::SagaLog};
use crate::{Backoff, Clock, Error, PayloadCodec, payload};

/// What a process that drives sagas says of itself, in `$saga-workers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub(super) enum WorkerNote {
    /// It lives.
    Alive { worker: String },
    /// It has closed: what it drove is anybody's.
    Left { worker: String },
}

/// Between attempts where the store does not answer.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1)).with_jitter();

/// The type of these events.
pub(super) const WORKER_NOTE: &str = "$saga.worker";

/// The signs of life of this process. They are given while it drives sagas, three a lease: a process that has nothing to do
/// writes nothing.
pub(super) struct Lease {
    worker: String,
    clock: Arc<dyn Clock>,
    pub(super) time: Duration,
    /// When the next sign is due, in microseconds by the clock.
    due: AtomicU64,
    giving: tokio::sync::Mutex<()>,
}

impl Lease {
    pub(super) fn new(worker: String, clock: Arc<dyn Clock>, time: Duration) -> Self {
        Self { worker, clock, time, due: AtomicU64::new(0), giving: tokio::sync::Mutex::new(()) }
    }

    /// Gives a sign where the last one is too long ago: before something is begun that others must not begin too.
    pub(super) async fn renew_if_due(&self, log: &SagaLog) -> Result<(), SagaError> {
        if !self.is_due() {
            return Ok(());
        }
        let _giving = self.giving.lock().await;
        if !self.is_due() {
            return Ok(());
        }
        let before = self.clock.elapsed();
        self.tell(log, &WorkerNote::Alive { worker: self.worker.clone() }).await?;
        let due = before.saturating_add(self.time / 3);
        self.due.store(u64::try_from(due.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(())
    }

    /// Gives signs for as long as this is awaited.
    pub(super) async fn keep(&self, log: &SagaLog) {
        let mut failures = 0;
        loop {
            self.clock.sleep(self.due_in()).await;
            match self.renew_if_due(log).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, failures, "no sign of life could be given");
                    self.clock.sleep(BACKOFF.wait_after(failures)).await;
                }
            }
        }
    }

    fn due_in(&self) -> Duration {
        Duration::from_micros(self.due.load(Ordering::Relaxed)).saturating_sub(self.clock.elapsed())
    }

    /// Lets others take over at once.
    pub(super) async fn leave(&self, log: &SagaLog) -> Result<(), SagaError> {
        self.due.store(0, Ordering::Relaxed);
        self.tell(log, &WorkerNote::Left { worker: self.worker.clone() }).await
    }

    fn is_due(&self) -> bool {
        let now = u64::try_from(self.clock.elapsed().as_micros()).unwrap_or(u64::MAX);
        let due = self.due.load(Ordering::Relaxed);
        due == 0 || now >= due
    }

    async fn tell(&self, log: &SagaLog, note: &WorkerNote) -> Result<(), SagaError> {
        let payload = payload::encode(note, PayloadCodec::Json, WORKER_NOTE)?;
        let event = NewEvent::new(EventType::new(WORKER_NOTE).map_err(Error::from)?, payload)
            .with_encoding(Encoding::JSON);
        let batch = AppendBatch::single(SagaLog::workers()?, ExpectedVersion::Any, vec![event]);
        log.append_batch(batch).await.map(drop)
    }
}
