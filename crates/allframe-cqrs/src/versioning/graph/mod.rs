//! The ways from all earlier forms of an event type to those of today, put together and checked.
//!
//! Nothing here is generic over the type: a program has many, and would hold all of this once for each.

mod build;
mod checks;
mod paths;

use std::{
    any::{Any, TypeId},
    borrow::Cow,
    collections::HashMap,
};

use eventstore_api::{EventType, RecordedEvent};

use super::{
    UnknownEvent, UnknownEvents, VersioningError, VersioningProblem,
    registry::UntypedRules,
    step::{EarlierType, EventForm, FormedJson, StepEnds},
    today::TodaysType,
};
use crate::{error::DecodeReason, event::stored_names};

/// What reads each form of the events of a type.
pub(super) struct FormGraph {
    today: TodaysType,
    /// Those of the steps, in their order.
    steps: Vec<StepEnds>,
    /// By name, then by version.
    nodes: HashMap<Cow<'static, str>, Vec<(u32, Node)>>,
    retired: Vec<Cow<'static, str>>,
    /// The step that takes a value of an earlier type further.
    by_type: HashMap<TypeId, usize>,
    unknown: UnknownEvents,
    stored_names: Vec<EventType>,
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

impl FormGraph {
    pub(super) fn of(
        today: TodaysType,
        steps: Vec<StepEnds>,
        untyped: UntypedRules,
    ) -> Result<Self, VersioningError> {
        let UntypedRules { retired, paths, unknown } = untyped;
        let mut graph = Self {
            today,
            steps,
            nodes: HashMap::new(),
            retired,
            by_type: HashMap::new(),
            unknown: unknown.unwrap_or_default(),
            stored_names: Vec::new(),
        };
        let mut problems = Vec::new();
        graph.put_own_kinds();
        graph.put_steps(&mut problems);
        graph.put_aliases();
        graph.put_stored_names();
        graph.check(&paths, &mut problems);
        match problems.is_empty() {
            true => Ok(graph),
            false => Err(VersioningError { event: graph.today.name, problems }),
        }
    }

    /// What reads this form.
    pub(super) fn node(&self, event_type: &str, schema_version: u32) -> Option<Node> {
        let versions = self.nodes.get(event_type);
        let found =
            versions.and_then(|versions| versions.iter().find(|(version, _)| *version == schema_version));
        let is_retired = || self.retired.iter().any(|name| name == event_type);
        found.map(|(_, node)| *node).or_else(|| is_retired().then_some(Node::Retired))
    }

    /// What reads this form, which a step has made.
    pub(super) fn node_of_made(&self, form: &EventForm) -> Result<Node, DecodeReason> {
        self.node(&form.event_type, form.schema_version).ok_or_else(|| self.unknown_name())
    }

    /// What becomes of a record that nothing reads: it is passed through as this, or passed over.
    pub(super) fn unread(&self, record: &RecordedEvent) -> Result<Option<UnknownEvent>, DecodeReason> {
        match (self.unknown, self.today.kind_named(record.event_type.as_str())) {
            // It is of no newer program, so that nobody has said that it may be passed over.
            (_, Some(kind)) if record.schema_version < kind.schema_version => {
                Err(DecodeReason::UnknownVersion)
            }
            (UnknownEvents::Fail, Some(kind)) => {
                Err(DecodeReason::NewerSchema { known: kind.schema_version })
            }
            (UnknownEvents::Fail, None) => Err(self.unknown_name()),
            (UnknownEvents::Skip, _) => Ok(None),
            (UnknownEvents::PassThrough, _) => Ok(Some(UnknownEvent::of(record))),
        }
    }

    /// The step that takes a value of this type further.
    pub(super) fn step_of_type(&self, id: TypeId) -> Option<usize> {
        self.by_type.get(&id).copied()
    }

    /// A value of an earlier type to which a step leads, as JSON.
    pub(super) fn to_json(&self, event: &dyn Any) -> Result<FormedJson, DecodeReason> {
        let id = event.type_id();
        let its_type = self.steps.iter().find_map(|way| match way {
            StepEnds::Typed { to, .. } if to.id == id => Some(to),
            _ => None,
        });
        let its_type = its_type.ok_or(DecodeReason::NotJson)?;
        (its_type.to_json)(event)
    }

    /// All names under which such events are stored.
    pub(super) fn stored_names(&self) -> &[EventType] {
        &self.stored_names
    }

    fn unknown_name(&self) -> DecodeReason {
        DecodeReason::UnknownEventType { known: stored_names(&self.today.kinds) }
    }

    /// The forms in which a step hands on what it makes, but for what goes on as a value or is there.
    fn made_by(&self, way: &StepEnds) -> Vec<EventForm> {
        match way {
            StepEnds::Json { to, .. } => vec![to.clone()],
            StepEnds::Typed { to, .. } if to.id == self.today.id || self.by_type.contains_key(&to.id) => {
                vec![]
            }
            StepEnds::Typed { to, .. } => todays_forms_of(to),
        }
    }

    /// What reads a form, as errors call it.
    fn name_of(&self, node: Node) -> String {
        match node {
            Node::Today(_) => format!("`{}` itself", self.today.name),
            Node::Declared(_) => format!("the migrations of `{}`", self.today.name),
            Node::Typed(step, _) | Node::Json(step) => self.name_of_step(step),
            Node::Retired => "its retirement".to_owned(),
        }
    }

    fn name_of_step(&self, place: usize) -> String {
        self.steps.get(place).map(StepEnds::name).unwrap_or_default()
    }
}

/// Two read this form.
fn fork(form: EventForm, first: String, second: String) -> VersioningProblem {
    let EventForm { event_type, schema_version } = form;
    VersioningProblem::Fork { event_type: event_type.into_owned(), schema_version, first, second }
}

/// The forms in which values of an earlier type are written.
fn todays_forms_of(earlier: &EarlierType) -> Vec<EventForm> {
    (earlier.kinds)().iter().map(|kind| EventForm::from((kind.name, kind.schema_version))).collect()
}
