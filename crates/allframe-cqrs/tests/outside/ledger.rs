//! What the read models of these tests are built from.

use std::time::Duration;

use allframe_cqrs::{EventStore, EventStoreBackend, FaultPolicy, GlobalPosition, event};
use serde::{Deserialize, Serialize};

pub(crate) const SOON: Duration = Duration::from_secs(60);

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deposited {
    pub(crate) amount: i64,
}

/// Deposits of 1, 2, 3 and so on, one on each of five accounts in turn; the last position.
pub(crate) async fn deposit<B: EventStoreBackend>(
    store: &EventStore<Deposited, B>,
    amounts: std::ops::RangeInclusive<i64>,
) -> GlobalPosition {
    let mut last = GlobalPosition::START;
    for amount in amounts {
        let account = format!("account-{}", amount % 5);
        last = store.append(account, vec![Deposited { amount }]).await.unwrap().last_position;
    }
    last
}

pub(crate) fn at_once(policy: FaultPolicy) -> FaultPolicy {
    policy.with_backoff(Duration::from_millis(1), Duration::from_millis(1))
}

/// Asks until the answer is this.
pub(crate) async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(SOON, async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("this comes within a minute");
}
