use eventstore_api::{EventStoreBackend, GlobalPosition};

use super::{CopyCounts, CopyError, StoreCopy, Transform, pages::EventPages};

/// What a copy would do with everything that the source holds.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Rehearsal {
    /// What would be copied, events at which the transform fails left aside.
    pub counts: CopyCounts,
    /// The first of the errors with which the transform fails, at most [`Rehearsal::MAX_FAILURES`]; each names its event.
    pub failures: Vec<CopyError>,
    /// At how many events it fails.
    pub failure_count: u64,
}

impl Rehearsal {
    /// How many errors are told one by one.
    pub const MAX_FAILURES: usize = 100;
}

impl<S: EventStoreBackend, T, F: Transform> StoreCopy<'_, S, T, F> {
    /// Asks the transform about every event of the source, and writes nothing: it needs no target. All at which it would fail are
    /// found at once, where a run would end at the first.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use allframe_cqrs::{EventStore, copy::StoreCopy, event};
    ///
    /// # #[event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Deposited { amount: u64 }
    /// let old = EventStore::new();
    /// old.append("account-7", vec![Deposited { amount: 1 }, Deposited { amount: 2 }]).await?;
    /// let copy = StoreCopy::new("odd").from(old.backend()).transform(|record, output| {
    ///     output.keep();
    ///     if record.version.get() == 2 { Err("of this nobody has thought") } else { Ok(()) }
    /// });
    /// let rehearsal = copy.rehearse().await?;
    /// assert_eq!((rehearsal.counts.written, rehearsal.failure_count), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`CopyError::Source`] where the source cannot be read.
    pub async fn rehearse(&self) -> Result<Rehearsal, CopyError> {
        let stage = self.stage();
        let mut pages = EventPages::after(self.source, GlobalPosition::START, self.limits);
        let mut rehearsal = Rehearsal::default();
        while let Some(record) = pages.next().await.map_err(CopyError::Source)? {
            match stage.stage(&record).await {
                Ok(staged) => rehearsal.counts.count(&record, &staged),
                Err(CopyError::Source(error)) => return Err(CopyError::Source(error)),
                Err(failure) => {
                    rehearsal.failure_count += 1;
                    if rehearsal.failures.len() < Rehearsal::MAX_FAILURES {
                        rehearsal.failures.push(failure);
                    }
                }
            }
        }
        Ok(rehearsal)
    }
}
