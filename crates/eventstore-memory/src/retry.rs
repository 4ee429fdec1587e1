use eventstore_api::{AppendBatch, Appended, GlobalPosition, InvalidInput, Known, first_outcome};

use crate::{log::Log, streams::Streams};

/// What the first append of this batch answered, if all of it is stored already.
pub(crate) fn earlier_outcome(
    batch: &AppendBatch,
    log: &Log,
    streams: &Streams,
) -> Result<Option<Vec<Appended>>, InvalidInput> {
    // The usual case takes one look at each stream and no list.
    let all_new = batch
        .appends
        .iter()
        .all(|append| streams.knows_none(&append.stream, append.events.iter().map(|event| event.id)));
    if all_new {
        return Ok(None);
    }
    first_outcome(batch, |stream, event| {
        Ok(streams.find(stream, event.id).map(|(version, position)| Known {
            version,
            position: GlobalPosition::new(position),
            same_content: log.event(position).same_content(event),
        }))
    })
}
