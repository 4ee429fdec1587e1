use std::time::Duration;

use tokio::time::timeout;

/// Longer than anything takes, on a machine that has much else to do.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Asks until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, asked).await.unwrap_or_else(|_| panic!("it never was so: {what}"))
}

/// What comes soon, or is not waited for any longer.
pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(SOON, work).await.unwrap_or_else(|_| panic!("it did not come: {what}"))
}
