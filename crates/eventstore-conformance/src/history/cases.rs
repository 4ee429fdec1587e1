//! Concurrent histories as cases.

use super::{Summary, check, record};
use crate::{TestStore, settings};

/// Sixteen tasks append under guards and conditions, retry and read; what they were answered has a legal sequential order.
pub async fn a_history_of_many_tasks_has_a_legal_order(store: TestStore) {
    let summary = record_and_check(&store, 16, settings::history_operations()).await;
    assert!(
        summary.stored > 0
            && summary.wrong_version > 0
            && summary.condition_failed > 0
            && summary.retried > 0,
        "the tasks did not get in each other's way, so that this proves little: {summary:?}"
    );
}

/// The same with two tasks, where every answer is nearly pinned down by the one before.
pub async fn a_history_of_two_tasks_has_a_legal_order(store: TestStore) {
    record_and_check(&store, 2, settings::history_operations() / 10).await;
}

async fn record_and_check(store: &TestStore, tasks: usize, operations: usize) -> Summary {
    let seed = settings::seed();
    let history = record(store.backend(), tasks, operations, seed).await;
    match check(&history) {
        Ok(summary) => summary,
        Err(violation) => panic!(
            "{tasks} tasks got answers that no order of their operations explains: {violation}\n\
             To try the same operations again, set EVENTSTORE_CONFORMANCE_SEED={seed}"
        ),
    }
}
