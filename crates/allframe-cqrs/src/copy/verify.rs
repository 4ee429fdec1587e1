use eventstore_api::EventStoreBackend;

use super::{
    CopyError, CopyPhase, Difference, DifferenceCause, DifferenceKind, EventPlace, StoreCopy, Transform,
    VerifyReport,
    comparison::{Expected, Found},
    control::{Control, Sharing},
    limits::Limits,
    mark::{Mark, Verified},
    pages::EventPages,
};

impl<S: EventStoreBackend, T: EventStoreBackend, F: Transform> StoreCopy<'_, S, T, F> {
    /// Reads both stores from their beginning, asks the transform again, and compares every event that was copied with what is
    /// in the target: its id, type, schema version, encoding, payload, metadata and tags, its stream, and its place.
    ///
    /// Nothing is written. The report says what differs, and whether it is the target or the transform that has changed.
    ///
    /// # Errors
    ///
    /// [`CopyError`] with what stood in the way. A difference is none: see [`VerifyReport::is_same`].
    pub async fn verify(&self) -> Result<VerifyReport, CopyError> {
        match Control::find(self.target, &self.identity).await? {
            Some(control) => {
                control.must_be_of(self.source).await?;
                self.compare(&control, Verified::default()).await
            }
            None => Err(CopyError::NotBegun { name: self.identity.name.clone() }),
        }
    }

    /// Compares what was copied since this.
    pub(super) async fn compare(
        &self,
        control: &Control<'_, T>,
        since: Verified,
    ) -> Result<VerifyReport, CopyError> {
        let end = control.record.position;
        let teller = self.teller(CopyPhase::Verifying, control.position());
        let mut report =
            VerifyReport { after: since.source(), position: since.source(), ..VerifyReport::default() };
        let mut source = EventPages::after(self.source, since.source(), self.limits);
        let mut target = EventPages::after(self.target, since.target(), self.limits);
        let mut found = Found::default();
        while let Some(record) = target.next().await.map_err(CopyError::Target)? {
            // What others write behind the end is none of the copy's business, if others may write.
            if record.position > end && self.identity.sharing == Sharing::Shared {
                break;
            }
            if record.stream != control.stream {
                found.push(record);
            } else {
                let mark = Mark::of(&record)?;
                let expected = self.expect(&mut source, &mark).await?;
                let of_others = found.split_off_others(self.ours(&mark));
                self.report_others(&mut report, of_others);
                expected.compare(&found, &mark, &mut report);
                found.clear();
                report.counts.add(expected.counts());
                report.position = mark.position();
                teller.tell(report.position, &report.counts);
            }
            let too_many = found.split_off_others(Found::MOST);
            self.report_others(&mut report, too_many);
        }
        let behind_the_end = found.split_off_others(0);
        self.report_others(&mut report, behind_the_end);
        Ok(report)
    }

    /// What the transform makes now of the events that this mark is about.
    async fn expect(&self, source: &mut EventPages<'_, S>, mark: &Mark) -> Result<Expected, CopyError> {
        let stage = self.stage();
        let mut expected = Expected::new(Limits { order: mark.order, ..self.limits });
        while let Some(record) = source.next_up_to(mark.position()).await.map_err(CopyError::Source)? {
            expected.take(&record, stage.stage(&record).await?);
        }
        Ok(expected)
    }

    /// How many of the events before a mark are the copy's: where it is alone, all.
    fn ours(&self, mark: &Mark) -> usize {
        match self.identity.sharing {
            Sharing::Alone => usize::MAX,
            Sharing::Shared => usize::try_from(mark.events).unwrap_or(usize::MAX),
        }
    }

    fn report_others(&self, report: &mut VerifyReport, of_others: Vec<EventPlace>) {
        for place in of_others {
            match self.identity.sharing {
                Sharing::Shared => report.of_others += 1,
                Sharing::Alone => report.differs(Difference {
                    kind: DifferenceKind::Unexpected,
                    cause: DifferenceCause::Target,
                    stream: place.stream.clone(),
                    id: place.id,
                    source: None,
                    target: Some(place),
                }),
            }
        }
    }
}
