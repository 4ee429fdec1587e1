use std::time::Duration;

use eventstore_api::{AppendBatch, Appended, Result};
use futures_util::future::BoxFuture;
use tokio_postgres::{Client, Transaction};

use super::{
    call::Call,
    outcome::{Outcome, no_sense},
    settle::settle_in,
};
use crate::{
    error::{Failure, of_read},
    lent::in_time,
    statements::Statements,
};

/// A transaction in which events are appended, and which somebody else ends. Whatever fails in it, nothing is stored.
#[derive(Clone, Copy)]
pub(crate) struct Inside<'t> {
    client: &'t Client,
    pub(crate) sql: &'t Statements,
    answers_within: Duration,
}

impl<'t> Inside<'t> {
    /// In this transaction, in which the server may be silent for so long.
    pub(crate) fn of(
        transaction: &'t Transaction<'_>,
        sql: &'t Statements,
        answers_within: Duration,
    ) -> Self {
        Self { client: transaction.client(), sql, answers_within }
    }

    /// The connection, which is in the transaction.
    pub(super) fn client(self) -> &'t Client {
        self.client
    }

    /// Appends a batch.
    pub(crate) async fn append(self, batch: &AppendBatch) -> Result<Vec<Appended>> {
        let outcomes = self.append_each(std::slice::from_ref(batch)).await?;
        outcomes.into_iter().next().ok_or_else(no_sense)
    }

    /// Appends batches that name different streams, in one round trip where none of them is a retry. The first that is refused
    /// is the answer.
    // Boxed and not inlined: see `requests`.
    #[inline(never)]
    pub(super) fn append_each<'a>(
        self,
        batches: &'a [AppendBatch],
    ) -> BoxFuture<'a, Result<Vec<Vec<Appended>>>>
    where
        't: 'a,
    {
        Box::pin(async move {
            let outcomes = Call::of(batches).send_in(self).await.map_err(of_read)??;
            let known =
                batches.iter().zip(&outcomes).filter(|(_, outcome)| matches!(outcome, Outcome::Known));
            let known: Vec<&AppendBatch> = known.map(|(batch, _)| batch).collect();
            let mut settled = settle_in(self, &known).await.into_iter();
            let answers = outcomes.into_iter().map(|outcome| match outcome {
                Outcome::Stored(stored) => Ok(stored),
                Outcome::Known => settled.next().unwrap_or_else(|| Err(no_sense())),
                Outcome::Refused(error) => Err(error),
            });
            answers.collect()
        })
    }

    /// What a call gives, if that comes in time.
    pub(super) async fn within<T>(
        self,
        call: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failure> {
        in_time(self.answers_within, call).await
    }
}
