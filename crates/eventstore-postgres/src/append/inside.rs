use eventstore_api::{AppendBatch, Appended, Result};
use tokio_postgres::Transaction;

use super::{
    call::{Call, Outcome, no_sense},
    settle::settle_in,
};
use crate::{error::of_read, statements::Statements};

/// Appends a batch in a transaction that somebody else ends.
pub(crate) async fn append_inside(
    transaction: &Transaction<'_>,
    statements: &Statements,
    batch: &AppendBatch,
) -> Result<Vec<Appended>> {
    let outcomes = append_each(transaction, statements, std::iter::once(batch)).await?;
    outcomes.into_iter().next().ok_or_else(no_sense)
}

/// Appends batches that name different streams, in one round trip where none of them is a retry. The first that is refused is
/// the answer.
pub(super) async fn append_each<'b>(
    transaction: &Transaction<'_>,
    statements: &Statements,
    batches: impl Iterator<Item = &'b AppendBatch> + Clone,
) -> Result<Vec<Vec<Appended>>> {
    let call = Call::of(batches.clone());
    // Whatever is refused is refused before the transaction is committed: nothing is stored.
    let outcomes = call.send_in(transaction, statements).await.map_err(of_read)??;
    let mut appended = Vec::with_capacity(outcomes.len());
    for (batch, outcome) in batches.zip(outcomes) {
        appended.push(match outcome {
            Outcome::Stored(stored) => stored,
            Outcome::Known => settle_in(transaction, statements, batch).await?,
            Outcome::Refused(error) => return Err(error),
        });
    }
    Ok(appended)
}
