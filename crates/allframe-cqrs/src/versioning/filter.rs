//! Filters, as they are understood for the events of a type.

use eventstore_api::{Criterion, EventFilter, EventType};

use super::graph::FormGraph;
use crate::event::{EventVariant, stored_names};

/// The same filter, for events of these kinds alone, under all names that the graph knows of them.
pub(super) fn typed_filter(
    filter: &EventFilter,
    kinds: &[EventVariant],
    graph: Option<&FormGraph>,
) -> EventFilter {
    let types: Vec<_> = match graph {
        Some(graph) => graph.stored_names().to_vec(),
        // The first event says what is wrong.
        None => stored_names(kinds).into_iter().filter_map(|name| EventType::new(name).ok()).collect(),
    };
    match filter.criteria() {
        None => EventFilter::types(types),
        Some(criteria) => {
            EventFilter::any_of(criteria.iter().map(|criterion| typed_criterion(criterion, kinds, &types)))
        }
    }
}

/// The same filter, of events of any type, where a name of today stands for its aliases too.
pub(super) fn aliased_filter(filter: &EventFilter, kinds: &[EventVariant]) -> EventFilter {
    match filter.criteria() {
        None => EventFilter::all(),
        Some(criteria) => {
            EventFilter::any_of(criteria.iter().map(|criterion| with_aliases(criterion, kinds)))
        }
    }
}

/// The same criterion, for these types alone; no event meets it where it asks for others only.
fn typed_criterion(criterion: &Criterion, kinds: &[EventVariant], types: &[EventType]) -> Criterion {
    let criterion = with_aliases(criterion, kinds);
    let wanted = |event_type: &&EventType| {
        criterion.event_types.as_ref().is_none_or(|asked_for| asked_for.contains(*event_type))
    };
    let wanted: Vec<_> = types.iter().filter(wanted).cloned().collect();
    criterion.types(wanted)
}

/// The same criterion, where who asks for a kind by its name of today is given what was stored under its aliases too.
fn with_aliases(criterion: &Criterion, kinds: &[EventVariant]) -> Criterion {
    let mut criterion = criterion.clone();
    let Some(asked_for) = &mut criterion.event_types else { return criterion };
    for kind in kinds {
        if asked_for.iter().any(|name| name.as_str() == kind.name) {
            // A name that is no legal event type cannot have been stored.
            asked_for.extend(kind.aliases.iter().filter_map(|alias| EventType::new(*alias).ok()));
        }
    }
    criterion
}
