use std::time::Duration;

use eventstore_api::{StoreError, StreamId};

use crate::{
    Backoff, Error, Result,
    one_at_a_time::{InTurn, OneAtATime},
};

/// How often a decision is made while others are faster at its stream, and when.
///
/// Between processes, attempts and waits are all there is. Those who meet in one process take turns, and do not decide in vain.
pub(super) struct Attempts<'a> {
    turns: &'a OneAtATime,
    stream: &'a StreamId,
    turn: Option<InTurn>,
    limit: u32,
    backoff: Backoff,
    made: u32,
}

impl<'a> Attempts<'a> {
    /// The first, when those who are at the stream have come to an end.
    pub(super) async fn begin(
        turns: &'a OneAtATime,
        stream: &'a StreamId,
        limit: u32,
        backoff: Backoff,
    ) -> Self {
        let turn = turns.enter_if_taken(stream).await;
        Self { turns, stream, turn, limit, backoff, made: 1 }
    }

    /// The next, when it is time for it.
    ///
    /// # Errors
    ///
    /// [`Error::ConflictsExhausted`] when there is none.
    pub(super) async fn next(&mut self, conflict: StoreError) -> Result<()> {
        if self.made == self.limit {
            return Err(Error::ConflictsExhausted { attempts: self.made, source: conflict });
        }
        if self.turn.is_none() {
            self.turn = Some(self.turns.enter(self.stream).await);
        }
        // The first time others were faster is no reason to wait.
        let wait = if self.made > 1 { self.backoff.wait_after(self.made - 1) } else { Duration::ZERO };
        match wait.is_zero() {
            true => tokio::task::yield_now().await,
            false => tokio::time::sleep(wait).await,
        }
        self.made += 1;
        Ok(())
    }

    /// How many were made, and the turn, if there is one: whoever waits for it goes on when it is dropped.
    pub(super) fn end(self) -> (u32, Option<InTurn>) {
        (self.made, self.turn)
    }
}
