//! The ways from all earlier forms of an event type to those of today, put together and checked.

use std::{any::TypeId, borrow::Cow, collections::HashMap};

use eventstore_api::EventType;

use super::{
    MigrationPath, UnknownEvents, VersioningError, VersioningProblem,
    registry::Rules,
    step::{EarlierType, EventForm, Step},
};
use crate::{
    Event,
    event::{EventVariant, kind_at, kinds_of, names_of},
};

/// So many versions of a kind that nothing reads are told of; somebody may have taken a date for a version.
const MAX_GAPS_TOLD: usize = 64;

/// What reads the events of a type, whatever form they were stored in.
pub(crate) struct Chains<E> {
    pub(super) steps: Vec<Step<E>>,
    /// By name, then by version.
    nodes: HashMap<Cow<'static, str>, Vec<(u32, Node)>>,
    retired: Vec<Cow<'static, str>>,
    /// The step that takes a value of an earlier type further.
    by_type: HashMap<TypeId, usize>,
    pub(super) unknown: UnknownEvents,
    /// All names under which such events are stored.
    pub(super) stored_names: Vec<EventType>,
}

/// What reads a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// It is the form of today of the kind at this place.
    Today(usize),
    /// The kind at this place has it among its own migrations.
    Declared(usize),
    /// The step at this place takes it as the kind at that place of its type.
    Typed(usize, usize),
    /// The step at this place takes it as JSON.
    Json(usize),
    /// It is passed over.
    Retired,
}

impl<E: Event> Chains<E> {
    pub(super) fn of(rules: Rules<E>) -> Result<Self, VersioningError> {
        let Rules { steps, retired, paths, unknown } = rules;
        let mut chains = Self {
            steps,
            nodes: HashMap::new(),
            retired,
            by_type: HashMap::new(),
            unknown: unknown.unwrap_or_default(),
            stored_names: Vec::new(),
        };
        let mut problems = Vec::new();
        chains.put_own_kinds();
        chains.put_steps(&mut problems);
        chains.put_aliases();
        chains.refuse_forks_at_retired(&mut problems);
        chains.refuse_gaps(&mut problems);
        chains.refuse_cycles(&mut problems);
        // What leads round in a circle leads nowhere.
        if problems.is_empty() {
            chains.refuse_broken_promises(&paths, &mut problems);
        }
        if chains.unknown == UnknownEvents::PassThrough && !E::has_unknown() {
            problems.push(VersioningProblem::NoUnknownVariant { type_name: std::any::type_name::<E>() });
        }
        let names = chains.nodes.keys().chain(&chains.retired);
        // A name that is no legal event type cannot have been stored.
        let mut names: Vec<_> = names.filter_map(|name| EventType::new(name.clone()).ok()).collect();
        names.sort();
        names.dedup();
        chains.stored_names = names;
        match problems.is_empty() {
            true => Ok(chains),
            false => Err(VersioningError { event: std::any::type_name::<E>(), problems }),
        }
    }

    fn put_own_kinds(&mut self) {
        for (place, kind) in kinds_of::<E>().into_iter().enumerate() {
            for name in names_of(&kind) {
                for (version, node) in own_nodes(place, &kind) {
                    self.nodes.entry(Cow::Borrowed(name)).or_default().push((version, node));
                }
            }
        }
    }

    fn put_steps(&mut self, problems: &mut Vec<VersioningProblem>) {
        for place in 0..self.steps.len() {
            let Some(step) = self.steps.get(place).cloned() else { continue };
            match &step {
                Step::Json { from, .. } => self.put(from.clone(), Node::Json(place), problems),
                Step::Typed { from, .. } => {
                    if let Some(&other) = self.by_type.get(&from.id) {
                        let form = forms_of(from).into_iter().next().map(|(form, _)| form);
                        problems.push(self.fork(
                            form.unwrap_or(EventForm::from((from.name, 1))),
                            other,
                            place,
                        ));
                        continue;
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
                            .push(VersioningProblem::Idle { upcaster: step.name(), type_name: from.name });
                    }
                }
            }
        }
    }

    /// An alias is a name of the same versions: what reads one under the name of today reads it under the alias too, unless
    /// something else does.
    fn put_aliases(&mut self) {
        for kind in kinds_of::<E>() {
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

    fn put(&mut self, form: EventForm, node: Node, problems: &mut Vec<VersioningProblem>) {
        if let Some(first) = self.node(&form.event_type, form.schema_version) {
            let (first, second) = (self.name_of(first), self.name_of(node));
            let EventForm { event_type, schema_version } = form;
            let event_type = event_type.into_owned();
            problems.push(VersioningProblem::Fork { event_type, schema_version, first, second });
            return;
        }
        self.nodes.entry(form.event_type).or_default().push((form.schema_version, node));
    }

    fn fork(&self, form: EventForm, first: usize, second: usize) -> VersioningProblem {
        let name = |place: usize| self.steps.get(place).map(Step::name).unwrap_or_default();
        VersioningProblem::Fork {
            event_type: form.event_type.into_owned(),
            schema_version: form.schema_version,
            first: name(first),
            second: name(second),
        }
    }

    fn refuse_forks_at_retired(&self, problems: &mut Vec<VersioningProblem>) {
        for name in &self.retired {
            for (version, node) in self.nodes.get(name).into_iter().flatten() {
                problems.push(VersioningProblem::Fork {
                    event_type: name.clone().into_owned(),
                    schema_version: *version,
                    first: self.name_of(*node),
                    second: "its retirement".to_owned(),
                });
            }
        }
    }

    fn name_of(&self, node: Node) -> String {
        match node {
            Node::Today(_) => format!("`{}` itself", std::any::type_name::<E>()),
            Node::Declared(_) => format!("the migrations of `{}`", std::any::type_name::<E>()),
            Node::Typed(step, _) | Node::Json(step) => {
                self.steps.get(step).map(Step::name).unwrap_or_default()
            }
            Node::Retired => "its retirement".to_owned(),
        }
    }

    /// Whatever a kind of today was stored as, under each of its names, and whatever a step makes, is read.
    fn refuse_gaps(&self, problems: &mut Vec<VersioningProblem>) {
        let gap = |form: EventForm, reached_from| VersioningProblem::Gap {
            event_type: form.event_type.into_owned(),
            schema_version: form.schema_version,
            reached_from,
        };
        for kind in kinds_of::<E>() {
            let earlier = names_of(&kind).flat_map(|name| (1..kind.schema_version).map(move |it| (name, it)));
            let unread = earlier.filter(|(name, version)| self.node(name, *version).is_none());
            problems.extend(unread.take(MAX_GAPS_TOLD).map(|form| gap(EventForm::from(form), None)));
        }
        for step in &self.steps {
            for form in self.made_by(step) {
                if self.node(&form.event_type, form.schema_version).is_none() {
                    problems.push(gap(form, Some(step.name())));
                }
            }
        }
    }

    /// The forms in which a step hands on what it makes, but for what goes on as a value or is there.
    fn made_by(&self, step: &Step<E>) -> Vec<EventForm> {
        match step {
            Step::Json { to, .. } => vec![to.clone()],
            Step::Typed { to, .. } if to.id == TypeId::of::<E>() || self.by_type.contains_key(&to.id) => {
                vec![]
            }
            Step::Typed { to, .. } => todays_forms_of(to),
        }
    }

    fn refuse_cycles(&self, problems: &mut Vec<VersioningProblem>) {
        let mut known = vec![Visit::Not; self.steps.len()];
        for place in 0..self.steps.len() {
            let mut path = Vec::new();
            if let Some(cycle) = self.cycle_from(place, &mut known, &mut path) {
                problems.push(VersioningProblem::Cycle { path: cycle });
            }
        }
    }

    fn cycle_from(&self, place: usize, known: &mut [Visit], path: &mut Vec<usize>) -> Option<Vec<String>> {
        match known.get(place)? {
            Visit::Done => return None,
            Visit::OnPath => {
                let begin = path.iter().position(|&other| other == place)?;
                let round = path.iter().skip(begin).chain(std::iter::once(&place));
                return Some(round.filter_map(|&place| Some(self.steps.get(place)?.begin())).collect());
            }
            Visit::Not => {}
        }
        *known.get_mut(place)? = Visit::OnPath;
        path.push(place);
        let found = self.steps_after(place).into_iter().find_map(|next| self.cycle_from(next, known, path));
        path.pop();
        *known.get_mut(place)? = Visit::Done;
        found
    }

    fn steps_after(&self, place: usize) -> Vec<usize> {
        let Some(step) = self.steps.get(place) else { return Vec::new() };
        let by_type = match step {
            Step::Typed { to, .. } => self.by_type.get(&to.id).copied(),
            Step::Json { .. } => None,
        };
        let by_form = self.made_by(step).into_iter().filter_map(|form| {
            match self.node(&form.event_type, form.schema_version)? {
                Node::Typed(step, _) | Node::Json(step) => Some(step),
                Node::Today(_) | Node::Declared(_) | Node::Retired => None,
            }
        });
        by_form.chain(by_type).collect()
    }

    fn refuse_broken_promises(&self, paths: &[MigrationPath], problems: &mut Vec<VersioningProblem>) {
        let made = self.paths();
        let is_kept = |path: &&MigrationPath| {
            let leads_there = |made: &MigrationPath| {
                made.event_type == path.event_type
                    && made.from_version == path.from_version
                    && made.to_version >= path.to_version
            };
            path.from_version == path.to_version || made.iter().any(leads_there)
        };
        for broken in paths.iter().filter(|path| !is_kept(path)) {
            problems.push(VersioningProblem::Gap {
                event_type: broken.event_type.clone(),
                schema_version: broken.from_version,
                reached_from: None,
            });
        }
    }

    /// Every earlier form that is read, with the version of today's that it comes to; several where it becomes several events.
    pub(super) fn paths(&self) -> Vec<MigrationPath> {
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
            Node::Today(kind) | Node::Declared(kind) => vec![kind_at::<E>(kind).schema_version],
            Node::Typed(step, _) | Node::Json(step) => self.step_comes_to(step),
            Node::Retired => vec![],
        }
    }

    fn step_comes_to(&self, place: usize) -> Vec<u32> {
        let Some(step) = self.steps.get(place) else { return vec![] };
        match step {
            Step::Typed { to, .. } if to.id == TypeId::of::<E>() => {
                kinds_of::<E>().iter().map(|kind| kind.schema_version).max().into_iter().collect()
            }
            Step::Typed { to, .. } if self.by_type.contains_key(&to.id) => {
                self.by_type.get(&to.id).map(|next| self.step_comes_to(*next)).unwrap_or_default()
            }
            _ => {
                let nodes = self.made_by(step).into_iter();
                let nodes = nodes.filter_map(|form| self.node(&form.event_type, form.schema_version));
                nodes.flat_map(|node| self.comes_to(node)).collect()
            }
        }
    }
}

impl<E> Chains<E> {
    /// What reads this form.
    pub(super) fn node(&self, event_type: &str, schema_version: u32) -> Option<Node> {
        let versions = self.nodes.get(event_type);
        let found =
            versions.and_then(|versions| versions.iter().find(|(version, _)| *version == schema_version));
        let is_retired = || self.retired.iter().any(|name| name == event_type);
        found.map(|(_, node)| *node).or_else(|| is_retired().then_some(Node::Retired))
    }

    /// The step that takes a value of this type further.
    pub(super) fn step_of_type(&self, id: TypeId) -> Option<&Step<E>> {
        self.steps.get(*self.by_type.get(&id)?)
    }

    /// The earlier type of this id, to which a step leads and from which none does.
    pub(super) fn last_type(&self, id: TypeId) -> Option<EarlierType> {
        self.steps.iter().find_map(|step| match step {
            Step::Typed { to, .. } if to.id == id => Some(*to),
            _ => None,
        })
    }
}

#[derive(Clone, Copy)]
enum Visit {
    Not,
    OnPath,
    Done,
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

/// The forms in which values of an earlier type are written.
fn todays_forms_of(earlier: &EarlierType) -> Vec<EventForm> {
    (earlier.kinds)().iter().map(|kind| EventForm::from((kind.name, kind.schema_version))).collect()
}
