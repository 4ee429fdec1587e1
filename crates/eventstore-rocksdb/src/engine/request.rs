use eventstore_api::{AppendBatch, Appended, NewEvent, RestoredBatch, RestoredPlace, Snapshot};
use eventstore_codec::{encode_event, encode_snapshot};

/// What is asked of the writer, with all done that can be done without it.
pub(crate) enum Request {
    Append(NewAppend),
    Save(NewSnapshot),
}

/// What became of it.
pub(crate) enum Done {
    Appended(Vec<Appended>),
    Saved,
}

/// A batch that has been validated, and the forms of its events.
pub(crate) struct NewAppend {
    pub(super) batch: AppendBatch,
    /// Where it has to come to stand, where that is not all the same: it is of another store.
    pub(super) place: Option<RestoredPlace>,
    /// One behind the other.
    forms: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

/// A snapshot that has been validated, and its form.
pub(crate) struct NewSnapshot {
    pub(super) snapshot: Snapshot,
    pub(super) form: Vec<u8>,
}

impl Request {
    pub(crate) fn append(batch: AppendBatch) -> Self {
        Self::append_at(batch, None)
    }

    /// The request for what another store holds.
    pub(crate) fn restored(RestoredBatch { batch, place, .. }: RestoredBatch) -> Self {
        Self::append_at(batch, Some(place))
    }

    fn append_at(batch: AppendBatch, place: Option<RestoredPlace>) -> Self {
        let (mut forms, mut ends) = (Vec::new(), Vec::with_capacity(batch.event_count()));
        for append in &batch.appends {
            for event in &append.events {
                encode_event(&append.stream, event, &mut forms);
                ends.push(forms.len());
            }
        }
        Self::Append(NewAppend { batch, place, forms, ends })
    }

    pub(crate) fn save(snapshot: Snapshot) -> Self {
        let mut form = Vec::new();
        encode_snapshot(&snapshot, &mut form);
        Self::Save(NewSnapshot { snapshot, form })
    }

    /// How much it weighs on its way to the writer.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Append(append) => append.forms.len(),
            Self::Save(save) => save.form.len(),
        }
    }
}

impl NewAppend {
    /// The events of one append after the other, each with its form.
    pub(super) fn events(&self) -> impl Iterator<Item = (&NewEvent, &[u8])> {
        let events = self.batch.appends.iter().flat_map(|append| &append.events);
        let mut start = 0;
        events.zip(&self.ends).map(move |(event, end)| {
            let form = self.forms.get(start..*end).unwrap_or_default();
            start = *end;
            (event, form)
        })
    }
}
