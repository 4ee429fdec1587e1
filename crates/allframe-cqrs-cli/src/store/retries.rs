use std::time::Duration;

use eventstore_api::Result;

/// How long it takes until a store is asked again, in milliseconds.
const PAUSES: [u64; 5] = [20, 100, 500, 1_000, 2_000];

/// Asks a store for something, and again where it is away, or it is not known what came of it. Appends have the same ids each time, which
/// stores nothing twice.
pub(crate) async fn with_retries<T>(mut ask: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    for milliseconds in PAUSES {
        match ask().await {
            Err(error) if error.is_retryable() => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            }
            answer => return answer,
        }
    }
    ask().await
}
