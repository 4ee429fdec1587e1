use std::time::Duration;

use tokio::time::{interval, timeout};

/// Longer than anything takes, on a machine that has much else to do.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Often enough for nobody to wait, and seldom enough for who is asked to get on with it.
const EVERY: Duration = Duration::from_millis(5);

/// Asks until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = async {
        let mut due = interval(EVERY);
        loop {
            due.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    timeout(SOON, asked).await.unwrap_or_else(|_| panic!("it never was so: {what}"))
}

/// What comes soon, or is not waited for any longer.
pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(SOON, work).await.unwrap_or_else(|_| panic!("it did not come: {what}"))
}
