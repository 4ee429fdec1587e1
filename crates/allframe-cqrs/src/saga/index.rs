use std::collections::{BTreeMap, HashMap};

use eventstore_api::{Criterion, EventFilter, EventType, GlobalPosition, StreamId, Timestamp, Version};
use serde::{Deserialize, Serialize};

use super::{SagaError, SagaEvent, SagaId, lease::WORKER_NOTE};
use crate::Error;

/// Which sagas are not over, and who drives them: of those events alone that change it, so that not every step of every saga has
/// to be read by every process.
#[derive(Default)]
pub(super) struct Index {
    entries: HashMap<StreamId, Entry>,
    counts: BTreeMap<Box<str>, Counts>,
    /// Those that are gone here, and of which older events may still come.
    gone: Vec<(GlobalPosition, StreamId)>,
}

/// How many sagas of a type are not over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Those that go on by themselves.
    pub(super) running: usize,
    /// Those that wait for a person.
    pub(super) parked: usize,
}

/// What is known of a saga.
pub(super) struct Entry {
    /// Up to which version of its stream.
    pub(super) version: Version,
    pub(super) open: Option<Open>,
    /// Whether it stands as it was kept: a snapshot may name any version, and whoever has read the stream knows better.
    is_kept: bool,
}

/// A saga that is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Open {
    /// Who drives it.
    pub(super) worker: Option<String>,
    pub(super) look: Look,
    /// When it turns round, in microseconds since 1970.
    pub(super) deadline: Option<i64>,
}

/// When there is something to do about a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Look {
    Now,
    /// From a moment on, in microseconds since 1970.
    At(i64),
    /// When another saga has ended, and from a moment on though it has not. Which others those are, this process knows alone.
    OnOthers(Option<i64>),
    /// When a person says so.
    OnPerson,
}

/// What an event has changed.
pub(super) enum Change {
    /// It is not over, and is to be driven from then on.
    Open,
    /// It is over. Who waits for it may go on.
    Over,
    /// Nothing that was not known.
    Nothing,
}

/// An index as it is kept, to be read at the next start.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Kept {
    entries: Vec<(String, u64, Open)>,
}

impl Open {
    pub(super) fn is_parked(&self) -> bool {
        self.look == Look::OnPerson
    }

    /// From when on it is to be driven; `None` where never as far as is known.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let moment = match self.look {
            Look::OnPerson => return None,
            Look::Now => Some(0),
            Look::At(moment) => Some(moment),
            Look::OnOthers(moment) => moment,
        };
        moment.into_iter().chain(self.deadline).min().map(Timestamp::from_micros)
    }
}

impl Index {
    /// The events that it is made of, and the signs of life of those who drive sagas.
    pub(super) fn filter() -> Result<EventFilter, SagaError> {
        Self::filter_of(Criterion::new())
    }

    /// Those of them that meet this too.
    pub(super) fn filter_of(criterion: Criterion) -> Result<EventFilter, SagaError> {
        let of_sagas = [
            SagaEvent::STARTED,
            SagaEvent::CLAIMED,
            SagaEvent::STEP_FAILED,
            SagaEvent::UNDO_FAILED,
            SagaEvent::COMPENSATION_BEGUN,
            SagaEvent::PARKED,
            SagaEvent::RETRIED,
            SagaEvent::RESUMED,
            SagaEvent::COMPLETED,
            SagaEvent::COMPENSATED,
            SagaEvent::ABANDONED,
            WORKER_NOTE,
        ];
        let types = of_sagas.into_iter().map(EventType::new).collect::<Result<Vec<_>, _>>();
        Ok(EventFilter::any_of([criterion.types(types.map_err(Error::from)?)]))
    }

    pub(super) fn get(&self, stream: &StreamId) -> Option<&Open> {
        self.entries.get(stream)?.open.as_ref()
    }

    pub(super) fn streams_of<'a>(&'a self, worker: &'a str) -> impl Iterator<Item = &'a StreamId> {
        self.open().filter(move |(_, open)| open.worker.as_deref() == Some(worker)).map(|(stream, _)| stream)
    }

    pub(super) fn open(&self) -> impl Iterator<Item = (&StreamId, &Open)> {
        self.entries.iter().filter_map(|(stream, entry)| Some((stream, entry.open.as_ref()?)))
    }

    /// Takes an event in, at a time: whoever the saga belongs to has that of a lease from then on to see it too.
    pub(super) fn apply(
        &mut self,
        stream: &StreamId,
        version: Version,
        event: &SagaEvent,
        now: Timestamp,
    ) -> Change {
        let now = Look::At(now.as_micros());
        if self.entries.get(stream).is_some_and(|entry| entry.version >= version && !entry.is_kept) {
            return Change::Nothing;
        }
        let open = match event {
            SagaEvent::Started(started) => Some(Open {
                worker: started.worker.clone(),
                look: started.not_before.map_or(now, |moment| Look::At(moment.as_micros())),
                deadline: started.deadline.map(Timestamp::as_micros),
            }),
            SagaEvent::Completed | SagaEvent::Compensated | SagaEvent::Abandoned { .. } => None,
            event => {
                // One that was over is turned round: who it belonged to is known no more, and anybody may.
                let known = self.get(stream).cloned();
                let open = known.unwrap_or(Open { worker: None, look: now, deadline: None });
                Some(changed(open, event, now))
            }
        };
        match open {
            Some(open) => {
                self.put(stream, Entry::seen(version, Some(open)));
                Change::Open
            }
            None => {
                self.remove(stream);
                Change::Over
            }
        }
    }

    /// What is known of a saga before the events of it come: these say nothing new then, up to this version.
    pub(super) fn note(&mut self, stream: &StreamId, version: Version, open: Open) {
        if !self.has_seen_more(stream, version) {
            self.put(stream, Entry::seen(version, Some(open)));
        }
    }

    /// A saga that waits for others has something to do from now on.
    pub(super) fn wake(&mut self, stream: &StreamId, now: Timestamp) {
        let waiting = self.entries.get_mut(stream).and_then(|entry| entry.open.as_mut());
        if let Some(open) = waiting.filter(|open| matches!(open.look, Look::OnOthers(_))) {
            open.look = Look::At(now.as_micros());
        }
    }

    /// A saga is over, as is known before the events of it come, of which the last has this position.
    pub(super) fn over(&mut self, stream: &StreamId, version: Version, position: GlobalPosition) {
        if self.has_seen_more(stream, version) {
            return;
        }
        self.put(stream, Entry::seen(version, None));
        self.gone.push((position, stream.clone()));
    }

    /// Forgets what is gone and of which no event can come any more, now that all up to here have.
    pub(super) fn forget_gone(&mut self, position: GlobalPosition) {
        let entries = &mut self.entries;
        self.gone.retain(|(last, stream)| {
            let is_done = *last <= position;
            if is_done && entries.get(stream).is_some_and(|entry| entry.open.is_none()) {
                entries.remove(stream);
            }
            !is_done
        });
    }

    /// How many of each type are not over.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, Counts)> {
        self.counts.iter().map(|(saga, counts)| (&**saga, *counts))
    }

    /// There may be sagas of this type: none is a number too, which those who watch can see.
    pub(super) fn expect(&mut self, saga: &str) {
        self.counts.entry(saga.into()).or_default();
    }

    /// Whether events behind this version have come.
    fn has_seen_more(&self, stream: &StreamId, version: Version) -> bool {
        self.entries.get(stream).is_some_and(|entry| entry.version > version && !entry.is_kept)
    }

    fn put(&mut self, stream: &StreamId, entry: Entry) {
        if let Some(open) = &entry.open {
            self.count(stream, open.is_parked(), 1);
        }
        if let Some(Entry { open: Some(open), .. }) = self.entries.insert(stream.clone(), entry) {
            self.count(stream, open.is_parked(), -1);
        }
    }

    fn remove(&mut self, stream: &StreamId) {
        if let Some(Entry { open: Some(open), .. }) = self.entries.remove(stream) {
            self.count(stream, open.is_parked(), -1);
        }
    }

    fn count(&mut self, stream: &StreamId, is_parked: bool, difference: isize) {
        let Some(saga) = SagaId::of_stream(stream) else { return };
        if !self.counts.contains_key(saga.saga()) {
            self.counts.insert(saga.saga().into(), Counts::default());
        }
        if let Some(counts) = self.counts.get_mut(saga.saga()) {
            let count = if is_parked { &mut counts.parked } else { &mut counts.running };
            *count = count.saturating_add_signed(difference);
        }
    }

    /// As it is kept. Whoever reads it knows of no saga that another waits for, and looks.
    pub(super) fn kept(&self) -> Kept {
        let entries = self.entries.iter().filter_map(|(stream, entry)| {
            let mut open = entry.open.clone()?;
            if matches!(open.look, Look::OnOthers(_)) {
                open.look = Look::Now;
            }
            Some((stream.as_str().to_owned(), entry.version.get(), open))
        });
        Kept { entries: entries.collect() }
    }
}

impl Entry {
    fn seen(version: Version, open: Option<Open>) -> Self {
        Self { version, open, is_kept: false }
    }
}

impl From<Kept> for Index {
    fn from(kept: Kept) -> Self {
        let mut index = Self::default();
        for (stream, version, open) in kept.entries {
            if let Ok(stream) = StreamId::new(stream) {
                let (version, open) = (Version::new(version), Some(open));
                index.put(&stream, Entry { version, open, is_kept: true });
            }
        }
        index
    }
}

fn changed(mut open: Open, event: &SagaEvent, now: Look) -> Open {
    match event {
        SagaEvent::Claimed { worker } => {
            open.worker = Some(worker.clone());
            if !open.is_parked() {
                open.look = now;
            }
        }
        SagaEvent::StepFailed(failed) | SagaEvent::UndoFailed(failed) => {
            open.look = failed.due.map_or(now, |moment| Look::At(moment.as_micros()));
        }
        // What is undone takes the time that it takes, and so does what a person has taken in hand.
        SagaEvent::CompensationBegun { .. } | SagaEvent::Retried { .. } | SagaEvent::Resumed { .. } => {
            (open.look, open.deadline) = (now, None);
        }
        SagaEvent::Parked { .. } => open.look = Look::OnPerson,
        _ => {}
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else it would be driven, and found to have nothing to do, again and again.
    #[test]
    fn whoever_has_read_a_saga_is_believed_whatever_version_a_snapshot_names() {
        let kept = r#"{"entries":[["saga-trip-1",18446744073709551615,{"worker":"w","look":"Now","deadline":null}]]}"#;
        let index = || Index::from(serde_json::from_str::<Kept>(kept).unwrap());
        let stream = StreamId::new("saga-trip-1").unwrap();
        let open = Open { worker: None, look: Look::OnPerson, deadline: None };

        let mut noted = index();
        noted.note(&stream, Version::new(3), open.clone());
        assert_eq!(noted.get(&stream), Some(&open));
        // What has come since counts, and what is older does not.
        noted.note(&stream, Version::new(2), Open { look: Look::Now, ..open.clone() });
        assert_eq!(noted.get(&stream), Some(&open));

        let mut over = index();
        over.over(&stream, Version::new(3), GlobalPosition::new(7));
        assert_eq!(over.get(&stream), None);

        let mut retried = index();
        let abandoned = SagaEvent::Abandoned { reason: "no more of it".to_owned() };
        let change = retried.apply(&stream, Version::new(9), &abandoned, Timestamp::from_micros(7));
        assert!(matches!(change, Change::Over));
        assert_eq!(retried.get(&stream), None);
    }
}
