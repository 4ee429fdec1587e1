use std::{panic::resume_unwind, sync::Arc};

use tokio::{
    sync::Barrier,
    task::{JoinError, JoinHandle},
};

/// Runs all of these at the same time, each in a task of its own, none before all are ready. The outcomes stand in
/// the order of the contestants.
pub(crate) async fn all_at_once<T, C>(contestants: impl IntoIterator<Item = C>) -> Vec<T>
where
    T: Send + 'static,
    C: Future<Output = T> + Send + 'static,
{
    let contestants: Vec<C> = contestants.into_iter().collect();
    let start = Arc::new(Barrier::new(contestants.len()));
    let running: Vec<JoinHandle<T>> = contestants
        .into_iter()
        .map(|contestant| {
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                contestant.await
            })
        })
        .collect();
    let mut outcomes = Vec::with_capacity(running.len());
    for task in running {
        outcomes.push(finished(task.await));
    }
    outcomes
}

/// What a task returned; its panic goes on here.
pub(crate) fn finished<T>(outcome: Result<T, JoinError>) -> T {
    outcome.unwrap_or_else(|failed| resume_unwind(failed.into_panic()))
}
