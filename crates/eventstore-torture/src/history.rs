//! What a run had submitted and what had been promised to it, at every boundary of its disk.

use crate::model::Model;

/// A run, from one opening of the store to the next.
#[derive(Clone, Debug, Default)]
pub struct History {
    epochs: Vec<Epoch>,
}

#[derive(Clone, Debug)]
struct Epoch {
    since: u64,
    /// All that was stored, or may have been, in the order in which it was.
    model: Model,
    /// From which boundary on how many events are durable.
    durable: Vec<(u64, usize)>,
    /// From which boundary on how many events may be there.
    submitted: Vec<(u64, usize)>,
}

/// What must be found after a crash.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'h> {
    /// What there may be, in its order.
    pub model: &'h Model,
    /// How many events must be there.
    pub durable: usize,
    /// How many events can be there.
    pub submitted: usize,
    /// Which opening of the store this is about: the same state may mean another thing in another.
    pub epoch: usize,
}

impl History {
    /// The store was opened, and held this; all of that is durable.
    pub fn opened(&mut self, boundary: u64, model: Model) {
        let events = model.len();
        let (durable, submitted) = (vec![(boundary, events)], vec![(boundary, events)]);
        self.epochs.push(Epoch { since: boundary, model, durable, submitted });
    }

    /// From this boundary on all of this may be there.
    pub fn submitted(&mut self, boundary: u64, model: &Model) {
        if let Some(epoch) = self.epochs.last_mut() {
            epoch.submitted.push((boundary, model.len()));
            epoch.model = model.clone();
        }
    }

    /// From this boundary on so many events are durable.
    pub fn durable(&mut self, boundary: u64, events: usize) {
        if let Some(epoch) = self.epochs.last_mut() {
            epoch.durable.push((boundary, events));
        }
    }

    /// How many events are durable by now.
    #[must_use]
    pub fn durable_now(&self) -> usize {
        self.epochs.last().map_or(0, |epoch| latest(&epoch.durable, u64::MAX))
    }

    /// What must be found after a crash at this boundary.
    #[must_use]
    pub fn at(&self, boundary: u64) -> Option<Expectation<'_>> {
        let index = self.epochs.partition_point(|epoch| epoch.since <= boundary).saturating_sub(1);
        let epoch = self.epochs.get(index)?;
        Some(Expectation {
            model: &epoch.model,
            durable: latest(&epoch.durable, boundary),
            submitted: latest(&epoch.submitted, boundary),
            epoch: index,
        })
    }
}

fn latest(noted: &[(u64, usize)], boundary: u64) -> usize {
    noted.iter().rfind(|(since, _)| *since <= boundary).map_or(0, |(_, events)| *events)
}
