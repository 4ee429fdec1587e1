//! What earlier forms come to.

use super::{FormGraph, Node};
use crate::versioning::{MigrationPath, step::StepEnds};

impl FormGraph {
    /// Every earlier form that is read, with the version of today's that it comes to; several where it becomes several events.
    pub(in crate::versioning) fn paths(&self) -> Vec<MigrationPath> {
        let forms =
            self.nodes.iter().flat_map(|(name, versions)| versions.iter().map(move |form| (name, *form)));
        let earlier = forms.filter(|(_, (_, node))| !matches!(node, Node::Today(_)));
        let mut paths: Vec<_> = earlier
            .flat_map(|(name, (from, node))| {
                self.comes_to(node).into_iter().map(move |to| MigrationPath::new(from, to, name.clone()))
            })
            .collect();
        paths.sort();
        paths.dedup();
        paths
    }

    fn comes_to(&self, node: Node) -> Vec<u32> {
        match node {
            Node::Today(kind) | Node::Declared(kind) => {
                self.today.kinds.get(kind).map(|kind| kind.schema_version).into_iter().collect()
            }
            Node::Typed(step, _) | Node::Json(step) => self.step_comes_to(step),
            Node::Retired => vec![],
        }
    }

    fn step_comes_to(&self, place: usize) -> Vec<u32> {
        let Some(way) = self.steps.get(place) else { return vec![] };
        match way {
            StepEnds::Typed { to, .. } if to.id == self.today.id => {
                self.today.kinds.iter().map(|kind| kind.schema_version).max().into_iter().collect()
            }
            StepEnds::Typed { to, .. } if self.by_type.contains_key(&to.id) => {
                self.step_of_type(to.id).map(|next| self.step_comes_to(next)).unwrap_or_default()
            }
            _ => {
                let nodes = self.made_by(way).into_iter();
                let nodes = nodes.filter_map(|form| self.node(&form.event_type, form.schema_version));
                nodes.flat_map(|node| self.comes_to(node)).collect()
            }
        }
    }
}
