//! The context of the command that a task carries out, where appends find it without being told.

use eventstore_api::{AppendBatch, Metadata};

use super::DispatchContext;

tokio::task_local! {
    static CURRENT: DispatchContext;
}

pub(super) fn get() -> Option<DispatchContext> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Does something on behalf of a command.
pub(crate) async fn scope<F: Future>(context: DispatchContext, work: F) -> F::Output {
    CURRENT.scope(context, work).await
}

/// Marks events as those of the command that the task carries out, if it does one.
pub(crate) fn stamp(mut batch: AppendBatch) -> AppendBatch {
    let Ok(metadata) = CURRENT.try_with(DispatchContext::event_metadata) else { return batch };
    for event in batch.appends.iter_mut().flat_map(|append| &mut append.events) {
        // Most have none of their own, and share one.
        event.metadata = match event.metadata.is_empty() {
            true => metadata.clone(),
            false => over(metadata.clone(), &event.metadata),
        };
    }
    batch
}

/// What an event says of itself stands over what its command says.
pub(crate) fn over(under: Metadata, over: &Metadata) -> Metadata {
    over.iter().fold(under, |metadata, (name, value)| metadata.with(name.to_owned(), value.to_owned()))
}
