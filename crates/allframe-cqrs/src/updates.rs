use futures_core::stream::BoxStream;
use futures_util::stream;
use tokio::sync::watch;

/// What is watched, as it is now, and again whenever that changes. Whoever is slow misses what is in between, never the last one,
/// with which it is over.
pub(crate) fn updates<T: Clone + Send + Sync + 'static>(
    mut watched: watch::Receiver<T>,
    is_over: fn(&T) -> bool,
) -> BoxStream<'static, T> {
    watched.mark_changed();
    Box::pin(stream::unfold(Some(watched), move |watched| async move {
        let mut watched = watched?;
        watched.changed().await.ok()?;
        let now = watched.borrow_and_update().clone();
        let goes_on = !is_over(&now);
        Some((now, goes_on.then_some(watched)))
    }))
}
