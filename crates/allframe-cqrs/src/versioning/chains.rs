use super::{VersioningError, graph::FormGraph, registry::Rules, step::Step, today::TodaysType};
use crate::Event;

/// What reads the events of a type, whatever form they were stored in. Of the type itself it has only what the steps do.
pub(super) struct Chains<E> {
    /// At the places that the graph has them at.
    steps: Vec<Step<E>>,
    pub(super) graph: FormGraph,
}

impl<E: Event> Chains<E> {
    pub(super) fn of(rules: Rules<E>) -> Result<Self, VersioningError> {
        let Rules { steps, untyped } = rules;
        let ends = steps.iter().map(Step::ends).collect();
        let graph = FormGraph::of(TodaysType::of::<E>(), ends, untyped)?;
        Ok(Self { steps, graph })
    }
}

impl<E> Chains<E> {
    /// The step at this place.
    pub(super) fn step(&self, place: usize) -> Option<&Step<E>> {
        self.steps.get(place)
    }
}
