use eventstore_api::{AppendBatch, Appended, EventStoreBackend, StoreError};

use super::EventStore;
use crate::{Error, Event, Result, dispatch_context};

/// How often an append whose outcome is unknown is repeated before that is the answer.
const MAX_SETTLING_ATTEMPTS: u32 = 8;

impl<E: Event, B: EventStoreBackend> EventStore<E, B> {
    /// Appends, and again the same while it is not known whether that happened, which stores nothing twice.
    ///
    /// Whoever called has made new event ids and does not know them: to append "the same again" is ours to do.
    ///
    /// Every append goes through here, and waits for the projections that are to have applied it when it answers.
    pub(crate) async fn append_settled(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let appended = self.append_unapplied(batch).await?;
        self.await_inline(&appended).await;
        Ok(appended)
    }

    /// As `append_settled`, for whoever has something to do before he [waits for the projections](Self::await_inline).
    pub(crate) async fn append_unapplied(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        // What cannot be read by this program must not be added to.
        self.reader.check()?;
        #[cfg(feature = "schema")]
        if let Some(validators) = &self.validators {
            validators.check(&batch)?;
        }
        self.append_records(batch).await
    }
}

impl<E, B: EventStoreBackend> EventStore<E, B> {
    /// As `append_settled`, of what no projection applies.
    pub(crate) async fn append_records(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        settle(self.backend(), dispatch_context::stamp(batch)).await
    }

    /// Waits for the projections that are to have applied an append when it answers.
    pub(crate) async fn await_inline(&self, appended: &[Appended]) {
        self.inline.applied(appended).await;
    }
}

async fn settle(backend: &impl EventStoreBackend, batch: AppendBatch) -> Result<Vec<Appended>> {
    let source = match backend.append_all(batch.clone()).await {
        Err(error) if !error.outcome_is_known() => error,
        answer => return Ok(answer?),
    };
    for _ in 0..MAX_SETTLING_ATTEMPTS {
        match backend.append_all(batch.clone()).await {
            Err(error) if !settles(&error) => {}
            answer => return Ok(answer?),
        }
    }
    Err(Error::OutcomeUnknown { batch: Box::new(batch), source })
}

/// Whether an error to a repeated append says that the first one did not happen either. That this one stored nothing, as
/// when the store cannot answer for now, does not say it.
fn settles(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::WrongExpectedVersion { .. }
            | StoreError::ConditionFailed { .. }
            | StoreError::InvalidInput(_)
    )
}
