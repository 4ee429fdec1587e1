use crate::{
    AppendBatch, Appended, EventId, GlobalPosition, InvalidInput, NewEvent, StreamAppend, StreamId, Version,
};

/// Where an event of a batch is stored already. What a backend tells [`first_outcome`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the order of all events.
    pub position: GlobalPosition,
    /// Whether what is stored is what the batch holds: [`RecordedEvent::same_content`](crate::RecordedEvent::same_content).
    pub same_content: bool,
}

/// What the first append of this batch answered, if all of it is stored already; `None` if nothing of it is. For backends:
/// the rule of [retries](crate::EventStoreBackend#retry), told where the store knows each event from.
///
/// `find` is asked for every event, in order, together with its stream.
///
/// ```
/// use eventstore_api::{
///     AppendBatch, EventType, ExpectedVersion, GlobalPosition, InvalidInput, Known, NewEvent, StreamId, Version,
///     first_outcome,
/// };
///
/// let opened = NewEvent::new(EventType::new("Opened")?, "ann");
/// let batch = AppendBatch::single(StreamId::new("account-7")?, ExpectedVersion::NoStream, vec![opened]);
///
/// let unknown = first_outcome(&batch, |_, _| Ok::<_, InvalidInput>(None))?;
/// assert_eq!(unknown, None);
///
/// let stored = Known { version: Version::new(1), position: GlobalPosition::new(41), same_content: true };
/// let outcome = first_outcome(&batch, |_, _| Ok::<_, InvalidInput>(Some(stored)))?.unwrap();
/// assert_eq!(outcome[0].last_position, GlobalPosition::new(41));
/// # Ok::<(), InvalidInput>(())
/// ```
///
/// # Errors
///
/// [`InvalidInput::PartlyKnown`] when only some events are stored, [`InvalidInput::EventIdReused`] when one has other content
/// or another place than this batch would have given it, and whatever `find` fails with.
pub fn first_outcome<E: From<InvalidInput>>(
    batch: &AppendBatch,
    mut find: impl FnMut(&StreamId, &NewEvent) -> Result<Option<Known>, E>,
) -> Result<Option<Vec<Appended>>, E> {
    let mut known = Vec::with_capacity(batch.event_count());
    for append in &batch.appends {
        for event in &append.events {
            known.push((event.id, find(&append.stream, event)?));
        }
    }
    let stored: Option<EventId> = known.iter().find(|(_, place)| place.is_some()).map(|(id, _)| *id);
    let missing: Option<EventId> = known.iter().find(|(_, place)| place.is_none()).map(|(id, _)| *id);
    match (stored, missing) {
        (None, _) => Ok(None),
        (Some(known), Some(unknown)) => Err(InvalidInput::PartlyKnown { known, unknown }.into()),
        (Some(_), None) => {
            let mut places = known.into_iter().filter_map(|(_, place)| place);
            let outcomes = batch.appends.iter().map(|append| outcome_of(append, &mut places));
            Ok(Some(outcomes.collect::<Result<_, _>>()?))
        }
    }
}

/// The events of one append stand next to each other, in their order.
fn outcome_of(
    append: &StreamAppend,
    places: &mut impl Iterator<Item = Known>,
) -> Result<Appended, InvalidInput> {
    let mut ends: Option<(Known, Known)> = None;
    for (event, place) in append.events.iter().zip(places) {
        let in_line = ends.is_none_or(|(_, last)| last.version.next() == place.version);
        if !place.same_content || !in_line {
            let version = place.version;
            return Err(InvalidInput::EventIdReused { stream: append.stream.clone(), id: event.id, version });
        }
        ends = Some((ends.map_or(place, |(first, _)| first), place));
    }
    let (first, last) = ends.ok_or_else(|| InvalidInput::NoEvents { stream: append.stream.clone() })?;
    Ok(Appended::new(append.stream.clone(), (first.version, first.position), (last.version, last.position)))
}
