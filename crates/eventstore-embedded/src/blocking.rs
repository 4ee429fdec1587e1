use eventstore_api::{Result, StoreError};

/// Does something that waits for the disk: on a thread for that, where there is a runtime that has some, else at once.
///
/// The way to another thread and back takes about 20 us, so whatever is in memory is better done where one is. Whoever stops
/// waiting leaves the work to happen.
///
/// # Errors
///
/// What the work says, and [`StoreError::Storage`] when it panics or the runtime ends before it has begun.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use eventstore_api::StoreError;
///
/// let directory = std::env::temp_dir();
/// let there = eventstore_embedded::waiting(move || directory.try_exists().map_err(StoreError::storage)).await?;
/// assert!(there);
/// # Ok::<(), StoreError>(()) }).unwrap();
/// ```
pub async fn waiting<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return work() };
    runtime.spawn_blocking(work).await.map_err(StoreError::storage)?
}
