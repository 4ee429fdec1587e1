//! Every form is put to what reads it.

use std::borrow::Cow;

use eventstore_api::EventType;

use super::{FormGraph, Node, fork};
use crate::{
    event::{EventVariant, names_of},
    versioning::{
        VersioningProblem,
        step::{EarlierType, EventForm, StepEnds},
    },
};

impl FormGraph {
    pub(super) fn put_own_kinds(&mut self) {
        for (place, kind) in self.today.kinds.iter().enumerate() {
            for name in names_of(kind) {
                self.nodes.entry(Cow::Borrowed(name)).or_default().extend(own_nodes(place, kind));
            }
        }
    }

    pub(super) fn put_steps(&mut self, problems: &mut Vec<VersioningProblem>) {
        for (place, way) in self.steps.clone().into_iter().enumerate() {
            match way {
                StepEnds::Json { from, .. } => self.put(from, Node::Json(place), problems),
                StepEnds::Typed { from, .. } => self.put_type(&from, place, problems),
            }
        }
    }

    /// An alias is a name of the same versions: what reads one under the name of today reads it under the alias too, unless
    /// something else does.
    pub(super) fn put_aliases(&mut self) {
        for kind in self.today.kinds.clone() {
            let of_today = self.nodes.get(kind.name).cloned().unwrap_or_default();
            for &alias in kind.aliases {
                for &(version, node) in &of_today {
                    if self.node(alias, version).is_none() {
                        self.nodes.entry(Cow::Borrowed(alias)).or_default().push((version, node));
                    }
                }
            }
        }
    }

    pub(super) fn put_stored_names(&mut self) {
        let names = self.nodes.keys().chain(&self.retired);
        // A name that is no legal event type cannot have been stored.
        let mut names: Vec<_> = names.filter_map(|name| EventType::new(name.clone()).ok()).collect();
        names.sort();
        names.dedup();
        self.stored_names = names;
    }

    /// All forms of an earlier type, which the step at this place takes.
    fn put_type(&mut self, from: &EarlierType, place: usize, problems: &mut Vec<VersioningProblem>) {
        if let Some(&other) = self.by_type.get(&from.id) {
            let form = forms_of(from).into_iter().next().map(|(form, _)| form);
            let form = form.unwrap_or(EventForm::from((from.name, 1)));
            problems.push(fork(form, self.name_of_step(other), self.name_of_step(place)));
            return;
        }
        self.by_type.insert(from.id, place);
        let mut is_idle = true;
        for (form, kind) in forms_of(from) {
            // Of an earlier enum, some kinds may still be as they were.
            if !matches!(self.node(&form.event_type, form.schema_version), Some(Node::Today(_))) {
                is_idle = false;
                self.put(form, Node::Typed(place, kind), problems);
            }
        }
        if is_idle {
            problems
                .push(VersioningProblem::Idle { upcaster: self.name_of_step(place), type_name: from.name });
        }
    }

    fn put(&mut self, form: EventForm, node: Node, problems: &mut Vec<VersioningProblem>) {
        match self.node(&form.event_type, form.schema_version) {
            Some(first) => problems.push(fork(form, self.name_of(first), self.name_of(node))),
            None => self.nodes.entry(form.event_type).or_default().push((form.schema_version, node)),
        }
    }
}

/// The forms that a kind of today's type reads by itself.
fn own_nodes(place: usize, kind: &EventVariant) -> impl Iterator<Item = (u32, Node)> + use<> {
    let declared =
        (kind.declared_since..kind.schema_version).map(move |version| (version, Node::Declared(place)));
    declared.chain(std::iter::once((kind.schema_version, Node::Today(place))))
}

/// All forms that an earlier type reads, each with the place of its kind.
fn forms_of(earlier: &EarlierType) -> Vec<(EventForm, usize)> {
    let kinds = (earlier.kinds)();
    let forms = kinds.iter().enumerate().flat_map(|(place, kind)| {
        let versions = kind.declared_since.min(kind.schema_version)..=kind.schema_version;
        names_of(kind).flat_map(move |name| {
            versions.clone().map(move |version| (EventForm::from((name, version)), place))
        })
    });
    forms.collect()
}
