use eventstore_api::{AppendBatch, Appended, EventId, GlobalPosition, InvalidInput, StreamAppend, Version};

use crate::{log::Log, streams::Streams};

/// The outcome of the first append, if this batch is a retry of one; `None` if all its events are new.
///
/// # Errors
///
/// When only some of its events are stored, or one is stored with other content or in another order.
pub(crate) fn first_outcome(
    batch: &AppendBatch,
    log: &Log,
    streams: &Streams,
) -> Result<Option<Vec<Appended>>, InvalidInput> {
    let all_new = batch
        .appends
        .iter()
        .all(|append| streams.knows_none(&append.stream, append.events.iter().map(|e| e.id)));
    if all_new {
        return Ok(None);
    }
    let places: Vec<Vec<Option<(Version, u64)>>> = batch
        .appends
        .iter()
        .map(|append| streams.find(&append.stream, append.events.iter().map(|event| event.id)))
        .collect();
    if let Some((known, unknown)) = partly_known(batch, &places) {
        return Err(InvalidInput::PartlyKnown { known, unknown });
    }
    batch
        .appends
        .iter()
        .zip(&places)
        .map(|(append, places)| outcome_at(append, places, log))
        .collect::<Result<Vec<_>, _>>()
        .map(Some)
}

/// An event that is stored and one that is not, if the batch holds both.
fn partly_known(batch: &AppendBatch, places: &[Vec<Option<(Version, u64)>>]) -> Option<(EventId, EventId)> {
    let ids = || {
        let events = batch.appends.iter().flat_map(|append| &append.events);
        events.zip(places.iter().flatten()).map(|(event, place)| (event.id, place))
    };
    let (known, _) = ids().find(|(_, place)| place.is_some())?;
    let (unknown, _) = ids().find(|(_, place)| place.is_none())?;
    Some((known, unknown))
}

/// What the first append answered for one stream, given where each of its events stands.
fn outcome_at(
    append: &StreamAppend,
    places: &[Option<(Version, u64)>],
    log: &Log,
) -> Result<Appended, InvalidInput> {
    let mut first = None;
    let mut last: Option<(Version, u64)> = None;
    for (event, place) in append.events.iter().zip(places) {
        let Some((version, position)) = *place else { continue };
        let in_order = last.is_none_or(|(last, _)| last.next() == version);
        if !in_order || !log.event(position).same_content(event) {
            return Err(InvalidInput::EventIdReused { stream: append.stream.clone(), id: event.id, version });
        }
        first.get_or_insert((version, position));
        last = Some((version, position));
    }
    match (first, last) {
        (Some(first), Some(last)) => Ok(Appended::new(
            append.stream.clone(),
            (first.0, GlobalPosition::new(first.1)),
            (last.0, GlobalPosition::new(last.1)),
        )),
        _ => Err(InvalidInput::NoEvents { stream: append.stream.clone() }),
    }
}
