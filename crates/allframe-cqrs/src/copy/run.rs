use eventstore_api::EventStoreBackend;

use super::{
    CopyCounts, CopyError, CopyPhase, CopyReport, StoreCopy, Transform, batch::CopyBatch, control::Control,
    pages::EventPages,
};

impl<S: EventStoreBackend, T: EventStoreBackend, F: Transform> StoreCopy<'_, S, T, F> {
    /// Copies everything that the source holds and that is not copied yet, and verifies everything that is not verified yet.
    ///
    /// What comes into the source meanwhile is copied too, up to where the source's end is met. Run again, it copies what has come
    /// since. It takes a tokio runtime with time.
    ///
    /// # Errors
    ///
    /// [`CopyError`] with what stood in the way. What was written before stays, and the next run goes on there: where the transform
    /// failed, with the event at which it did. Where verification finds a difference, [`CopyError::Different`].
    ///
    /// # Cancellation
    ///
    /// Dropped early, it has written each append wholly or not at all; the next run goes on there.
    pub async fn run(&self) -> Result<CopyReport, CopyError> {
        if std::ptr::addr_eq(self.source, self.target) {
            return Err(CopyError::SameStore);
        }
        let mut control = Control::find_or_begin(self.target, &self.identity, self.limits).await?;
        control.must_be_of(self.source).await?;
        let copied = self.copy(&mut control).await?;
        self.target.flush().await.map_err(CopyError::Target)?;
        let verified = control.mark.verified.unwrap_or_default();
        let report = self.compare(&control, verified).await?;
        if !report.is_same() {
            return Err(CopyError::Different(Box::new(report)));
        }
        if verified.source() < control.position() {
            control.write_verified(self.limits).await?;
        }
        Ok(CopyReport { copied, total: control.mark.totals, position: control.position(), verified: report })
    }

    async fn copy(&self, control: &mut Control<'_, T>) -> Result<CopyCounts, CopyError> {
        let head = self.source.head().await.map_err(CopyError::Source)?;
        let teller = self.teller(CopyPhase::Copying, head);
        let mut pages = EventPages::after(self.source, control.position(), self.limits);
        let stage = self.stage();
        let mut copied = CopyCounts::default();
        let mut batch = CopyBatch::new(self.limits);
        while let Some(record) = pages.next().await.map_err(CopyError::Source)? {
            let staged = stage.stage(&record).await;
            // What comes before an event at which the transform fails is copied: it is the next one then.
            if staged.as_ref().map_or(true, |staged| !batch.has_room_for(staged)) && !batch.is_empty() {
                let full = std::mem::replace(&mut batch, CopyBatch::new(self.limits));
                copied.add(&full.counts);
                control.write(full, self.limits).await?;
                teller.tell(control.position(), &copied);
            }
            batch.take(&record, staged?);
        }
        if !batch.is_empty() {
            copied.add(&batch.counts);
            control.write(batch, self.limits).await?;
            teller.tell(control.position(), &copied);
        }
        Ok(copied)
    }
}
