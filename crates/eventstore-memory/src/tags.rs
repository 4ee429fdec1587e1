use dashmap::DashMap;
use eventstore_api::{Tag, Tags};
use foldhash::fast::RandomState;

use crate::span::{Limit, Span};

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

    /// The rarest of these tags; every event that carries them all is among those that carry it.
    pub(crate) fn rarest<'t>(&self, tags: &'t Tags) -> Option<&'t Tag> {
        tags.iter().min_by_key(|tag| self.positions.get(*tag).map_or(0, |positions| positions.len()))
    }

    /// Up to `limit` of the positions of a tag in this span, the first ones or the last ones, in rising order; and whether
    /// those are all.
    pub(crate) fn within(&self, tag: &Tag, span: Span, limit: Limit) -> (Vec<u64>, bool) {
        let Some(positions) = self.positions.get(tag) else { return (Vec::new(), true) };
        let start = positions.partition_point(|&position| position <= span.after);
        let end = positions.partition_point(|&position| position <= span.through);
        let inside = positions.get(start..end).unwrap_or_default();
        let (cut, limit) = match limit {
            Limit::First(limit) => (inside.get(..limit), limit),
            Limit::Last(limit) => {
                (inside.len().checked_sub(limit).and_then(|start| inside.get(start..)), limit)
            }
        };
        (cut.unwrap_or(inside).to_vec(), inside.len() <= limit)
    }
}
