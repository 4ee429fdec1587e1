//! What the server answers to a call.

use eventstore_api::{
    AppendBatch, Appended, ExpectedVersion, GlobalPosition, Result, StoreError, StreamId, Version,
};
use tokio_postgres::Row;

use crate::columns::{get, number};

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Outcome {
    Stored(Vec<Appended>),
    /// Some of its events, or all, were stored before.
    Known,
    Refused(StoreError),
}

/// What became of each of these batches, by the rows of `append_events`; `guards` are those of all of them, in their order.
pub(super) fn outcomes(
    batches: &[&AppendBatch],
    guards: &[(&StreamId, ExpectedVersion)],
    rows: &[Row],
) -> Result<Vec<Outcome>> {
    let mut rows = rows.iter();
    let mut outcomes = Vec::with_capacity(batches.len());
    for batch in batches {
        let mut stored = Vec::with_capacity(batch.appends.len());
        let mut refused = None;
        for append in &batch.appends {
            let row = rows.next().ok_or_else(no_sense)?;
            if get::<&str>(row, 0)? != "stored" {
                refused = Some(refusal(guards, row)?);
                break;
            }
            let (version, position) = (number(row, VERSION)?, number(row, POSITION)?);
            let others = append.events.len().saturating_sub(1) as u64;
            stored.push(Appended::new(
                append.stream.clone(),
                (Version::new(version), GlobalPosition::new(position)),
                (Version::new(version + others), GlobalPosition::new(position + others)),
            ));
        }
        outcomes.push(refused.unwrap_or(Outcome::Stored(stored)));
    }
    if rows.next().is_some() { Err(no_sense()) } else { Ok(outcomes) }
}

const GUARD: usize = 2;
const VERSION: usize = 3;
const POSITION: usize = 4;

fn refusal(guards: &[(&StreamId, ExpectedVersion)], row: &Row) -> Result<Outcome> {
    Ok(match get::<&str>(row, 0)? {
        "known" => Outcome::Known,
        "version" => {
            let guard = usize::try_from(get::<i32>(row, GUARD)?).ok().and_then(|guard| guard.checked_sub(1));
            let (stream, expected) = guard.and_then(|guard| guards.get(guard)).ok_or_else(no_sense)?;
            Outcome::Refused(StoreError::WrongExpectedVersion {
                stream: (*stream).clone(),
                expected: *expected,
                actual: Version::new(number(row, VERSION)?),
            })
        }
        "condition" => {
            Outcome::Refused(StoreError::ConditionFailed { at: GlobalPosition::new(number(row, POSITION)?) })
        }
        _ => return Err(no_sense()),
    })
}

/// Nobody can tell what came of it.
pub(super) fn no_sense() -> StoreError {
    StoreError::outcome_unknown("the function append_events answers otherwise than it was written to")
}
