use dashmap::DashMap;
use eventstore_api::{Tag, Tags};
use foldhash::fast::RandomState;

/// At which positions each tag stands.
#[derive(Default)]
pub(crate) struct TagIndex {
    positions: DashMap<Tag, Vec<u64>, RandomState>,
}

impl TagIndex {
    /// Adds the tags of the event at a position. Under the writer's lock only.
    pub(crate) fn insert(&self, tags: &Tags, position: u64) {
        for tag in tags {
            self.positions.entry(tag.clone()).or_default().push(position);
        }
    }

    /// Looks at the positions of a tag, in rising order. Those of an append that is under way are among them already.
    ///
    /// Looking at a second list meanwhile could wait for ever: for a writer that waits for this look to end.
    pub(crate) fn look<R>(&self, tag: &Tag, look: impl FnOnce(&[u64]) -> R) -> R {
        match self.positions.get(tag) {
            Some(positions) => look(&positions),
            None => look(&[]),
        }
    }
}
