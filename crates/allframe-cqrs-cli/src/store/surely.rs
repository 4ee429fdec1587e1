use std::time::Duration;

use eventstore_api::Result;

/// How long an append waits before it is tried again, in milliseconds.
const PAUSES: [u64; 5] = [20, 100, 500, 1_000, 2_000];

/// Appends, and again where the store is away, or it is not known what came of it: with the same ids, which stores nothing twice.
pub(crate) async fn append_surely<T>(mut append: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    for milliseconds in PAUSES {
        match append().await {
            Err(error) if error.is_retryable() => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            }
            answer => return answer,
        }
    }
    append().await
}
