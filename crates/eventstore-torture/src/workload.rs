//! What is done to a store, step by step.

use std::{sync::Arc, time::Duration};

use eventstore_api::AppendBatch;
use eventstore_wal::{
    Durability,
    log::{LogOptions, SeededBug},
};

use crate::{
    chance::Chance,
    clock,
    events::Events,
    model::{Model, Prediction},
};

/// Steps, and the options of the log that takes them.
#[derive(Clone, Debug)]
pub struct Workload {
    /// How the log goes about it.
    pub options: LogOptions,
    /// What is done, in this order.
    pub steps: Vec<Step>,
}

/// One step of a workload.
#[derive(Clone, Debug)]
pub enum Step {
    /// These batches are committed together.
    Commit(Vec<Arc<AppendBatch>>),
    /// Everything is made durable.
    Flush,
    /// The log says in itself that everything is.
    Mark,
    /// The indexes of sealed segments are written.
    Background,
    /// The oldest segment that is sealed becomes a part of the archive.
    Archive,
    /// The store is closed in good order, and opened again.
    Close,
    /// The process is killed, and another opens the store.
    Kill,
}

impl Workload {
    /// The workload of a seed.
    #[must_use]
    pub fn by_seed(seed: u64, bug: Option<SeededBug>) -> Self {
        let mut chance = Chance::new(seed);
        // Enough of it, and enough segments, that most of a store is archived at times.
        let archives = seed % 4 == 3;
        let segments: &[u64] = if archives { &[] } else { &[4_096, 8_192, 16_384] };
        let options = LogOptions {
            segment_bytes: chance.pick(4_096, segments),
            durability: match chance.below(6) {
                0 => Durability::OsBuffered,
                1 => Durability::Interval(Duration::from_millis(50)),
                _ => Durability::Always,
            },
            ..options(bug)
        };
        let mut events = Events::new(seed);
        let mut model = Model::default();
        let most = if archives { 16 } else { 10 };
        let steps = (0..6 + chance.below(most)).map(|_| match chance.below(26) {
            0 => Step::Flush,
            1 | 2 => Step::Mark,
            3 => Step::Background,
            4 | 5 => Step::Close,
            6 => Step::Kill,
            7 | 8 => Step::Archive,
            9..=12 if archives => Step::Archive,
            _ => Step::Commit(
                (0..chance.pick(1, &[1, 1, 2, 3, 5]))
                    .map(|_| batch(&mut events, &mut chance, &mut model))
                    .collect(),
            ),
        });
        Self { steps: steps.collect(), options }
    }
}

/// The options that tests begin with: segments and extents as small as they make sense.
#[must_use]
pub fn options(bug: Option<SeededBug>) -> LogOptions {
    LogOptions {
        segment_bytes: 4_096,
        extent_bytes: 4_096,
        // It is the disk that is to be read.
        cache_bytes: 0,
        durability: Durability::Always,
        clock: clock::now,
        bug,
    }
}

/// A new batch, or one from before once more.
fn batch(events: &mut Events, chance: &mut Chance, model: &mut Model) -> Arc<AppendBatch> {
    if chance.one_in(12) && model.batches().len() > 0 {
        let which = chance.below(model.batches().len());
        if let Some(known) = model.batches().nth(which) {
            return Arc::clone(known);
        }
    }
    let batch = events.batch(chance, model);
    if matches!(model.predict(&batch), Prediction::Stored) {
        model.place(&batch);
    }
    batch
}
