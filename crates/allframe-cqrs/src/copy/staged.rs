use eventstore_api::{
    AppendBatch, EventId, EventStoreBackend, ExpectedVersion, NewEvent, RecordedEvent, StreamAppend, StreamId,
};

use super::{
    CopyError, EventPlace, KeyRecords, Output, Transform, TransformError, original::event_of, output::Said,
    toolkit_streams::StreamKind,
};
use crate::{command_bus::rewrite_key_record, panicked::guarded};

/// What becomes of one event: nothing of it is written yet.
pub(super) struct Staged {
    pub(super) fate: Fate,
    /// What is written, each stream once.
    pub(super) appends: Vec<StreamAppend>,
}

/// What has become of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Written,
    Discarded,
    /// The transform was not asked.
    LeftOut,
}

impl Staged {
    pub(super) fn events(&self) -> usize {
        self.appends.iter().map(|append| append.events.len()).sum()
    }
}

/// Says of every event of a source what becomes of it: the first time, and when the copy is verified.
pub(super) struct Stage<'a, S, T> {
    pub(super) source: &'a S,
    pub(super) transform: &'a T,
    pub(super) key_records: KeyRecords,
}

impl<S: EventStoreBackend, T: Transform> Stage<'_, S, T> {
    pub(super) async fn stage(&self, record: &RecordedEvent) -> Result<Staged, CopyError> {
        match (StreamKind::of(&record.stream), self.key_records) {
            (StreamKind::Application, _) => self.staged(record, self.transformed(record)?),
            (StreamKind::KeyRecord, KeyRecords::Carry) => {
                let carried = self.carried(record).await?;
                self.staged(record, vec![(record.stream.clone(), carried)])
            }
            (StreamKind::TrueAnywhere, _) => {
                self.staged(record, vec![(record.stream.clone(), event_of(record))])
            }
            (StreamKind::KeyRecord | StreamKind::OfThisStore, _) => {
                Ok(Staged { fate: Fate::LeftOut, appends: Vec::new() })
            }
        }
    }

    fn transformed(&self, record: &RecordedEvent) -> Result<Vec<(StreamId, NewEvent)>, CopyError> {
        let failed =
            |source: TransformError| CopyError::Transform { place: Box::new(EventPlace::of(record)), source };
        let mut output = Output::of(record);
        match guarded(|| self.transform.transform(record, &mut output)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(failed(error)),
            Err(panicked) => return Err(failed(panicked.into())),
        }
        match output.into_said().map_err(failed)? {
            Said::Writes(writes) => Ok(writes),
            Said::Nothing => Err(CopyError::Undecided { place: Box::new(EventPlace::of(record)) }),
        }
    }

    /// The record of a key, which names the events of its command as they are in the target.
    async fn carried(&self, record: &RecordedEvent) -> Result<NewEvent, CopyError> {
        let moved = |of: &RecordedEvent| -> Result<Vec<(StreamId, EventId)>, CopyError> {
            let written = self.staged(of, self.transformed(of)?)?.appends.into_iter();
            Ok(written
                .flat_map(|append| {
                    append.events.into_iter().map(move |event| (append.stream.clone(), event.id))
                })
                .collect())
        };
        let payload = rewrite_key_record(self.source, record, CopyError::Source, moved).await?;
        let mut event = event_of(record);
        event.payload = payload.unwrap_or(event.payload);
        Ok(event)
    }

    fn staged(&self, record: &RecordedEvent, writes: Vec<(StreamId, NewEvent)>) -> Result<Staged, CopyError> {
        if writes.is_empty() {
            return Ok(Staged { fate: Fate::Discarded, appends: Vec::new() });
        }
        let mut batch = AppendBatch::new();
        for (stream, event) in writes {
            match batch.appends.iter_mut().find(|append| append.stream == stream) {
                Some(append) => append.events.push(event),
                None => batch = batch.append(stream, ExpectedVersion::Any, vec![event]),
            }
        }
        // Here it is known which event it is that no store would take.
        batch.validate().map_err(|source| CopyError::Transform {
            place: Box::new(EventPlace::of(record)),
            source: source.into(),
        })?;
        Ok(Staged { fate: Fate::Written, appends: batch.appends })
    }
}
