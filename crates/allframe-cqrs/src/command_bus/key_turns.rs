use std::{iter::successors, sync::Arc};

use eventstore_api::StreamId;

use crate::one_at_a_time::OneAtATime;

tokio::task_local! {
    /// The key whose command the task carries out.
    static CARRIED_OUT: Arc<CarriedOut>;
}

/// Lets one dispatch of a key go on at a time, of a bus in this process. Between buses and processes, the append decides.
#[derive(Default)]
pub(super) struct KeyTurns {
    turns: OneAtATime,
    bus: Arc<BusMark>,
}

/// Tells one bus from another.
#[derive(Default)]
struct BusMark;

/// A command with a key that is being carried out, perhaps as a part of another.
struct CarriedOut {
    bus: Arc<BusMark>,
    record: StreamId,
    command: &'static str,
    part_of: Option<Arc<CarriedOut>>,
}

impl KeyTurns {
    /// Carries a command out when it is its turn.
    ///
    /// # Errors
    ///
    /// The name of the command with the same key of which this one is a part: each would wait for the other.
    pub(super) async fn run<T>(
        &self,
        record: &StreamId,
        command: &'static str,
        work: impl Future<Output = T>,
    ) -> Result<T, &'static str> {
        let part_of = CARRIED_OUT.try_with(Arc::clone).ok();
        let mut others = successors(part_of.as_ref(), |carried_out| carried_out.part_of.as_ref());
        if let Some(same) = others.find(|other| Arc::ptr_eq(&other.bus, &self.bus) && other.record == *record)
        {
            return Err(same.command);
        }
        let _turn = match &part_of {
            None => Some(self.turns.enter(record).await),
            // Who has a turn waits for no other: two tasks that have each what the other needs would wait for ever.
            Some(_) => self.turns.try_enter(record),
        };
        let carried_out = CarriedOut { bus: Arc::clone(&self.bus), record: record.clone(), command, part_of };
        Ok(CARRIED_OUT.scope(Arc::new(carried_out), work).await)
    }
}
