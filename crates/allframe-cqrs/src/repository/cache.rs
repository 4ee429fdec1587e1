use std::{num::NonZeroUsize, sync::Arc};

use eventstore_api::{StreamId, Version};
use quick_cache::sync::Cache;

use super::state::{Held, State};

/// The states of aggregates used lately, each as of some version of its stream.
///
/// It is never the last word: whoever takes a state from it reads the events that have come since.
pub(super) struct AggregateCache<A> {
    states: Cache<StreamId, Cached<A>>,
    clone: fn(&A) -> A,
}

struct Cached<A> {
    aggregate: Arc<A>,
    version: Version,
    snapshot_version: Version,
}

impl<A> AggregateCache<A> {
    pub(super) fn new(aggregates: NonZeroUsize) -> Self
    where
        A: Clone,
    {
        Self { states: Cache::new(aggregates.get()), clone: A::clone }
    }

    pub(super) fn get(&self, stream: &StreamId) -> Option<State<A>> {
        let Cached { aggregate, version, snapshot_version } = self.states.get(stream)?;
        Some(State { aggregate: Held::Shared { aggregate, clone: self.clone }, version, snapshot_version })
    }

    pub(super) fn insert(
        &self,
        stream: StreamId,
        aggregate: Arc<A>,
        version: Version,
        snapshot_version: Version,
    ) {
        self.states.insert(stream, Cached { aggregate, version, snapshot_version });
    }

    /// Forgets a stream, so that whoever changes its aggregate next is the only one to hold it, and needs no copy.
    pub(super) fn remove(&self, stream: &StreamId) {
        self.states.remove(stream);
    }

    pub(super) fn len(&self) -> usize {
        self.states.len()
    }
}

// By hand: sharing a state takes no copy of the aggregate.
impl<A> Clone for Cached<A> {
    fn clone(&self) -> Self {
        Self { aggregate: Arc::clone(&self.aggregate), ..*self }
    }
}
