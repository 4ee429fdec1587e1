//! Keeping those who wait for the disk off the threads of the runtime.

use eventstore_api::{Result, StoreError};

use crate::{damage::Failure, index::Wait};

/// Does something that reads: at once where everything is in memory, else where waiting for the disk holds nobody up.
pub(crate) async fn off_the_runtime<S, T>(
    shared: S,
    read: impl Fn(&S, Wait) -> Result<T, Failure> + Send + 'static,
) -> Result<T>
where
    S: Send + 'static,
    T: Send + 'static,
{
    match read(&shared, Wait::Never) {
        Err(Failure::WouldWait) => waiting(move || Ok(read(&shared, Wait::Allowed)?)).await,
        answered => Ok(answered?),
    }
}

/// Does something that waits for the disk: on a thread for that, where there is a runtime that has some.
pub(crate) async fn waiting<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return work() };
    runtime.spawn_blocking(work).await.map_err(StoreError::storage)?
}
