//! Whatever happened, and however it is built: a rebuild comes to the state that is live.

use std::num::NonZeroUsize;

use allframe_cqrs::{EventStore, FaultPolicy, InMemoryBackend, ProjectionRegistry, Registration};
use proptest::prelude::*;

use crate::ledger::{Balances, Entry, Fragile, SOON, append};

#[derive(Clone, Copy, Debug)]
enum Step {
    Append { account: u8, entry: u8, amount: u16 },
    Save,
    Restart,
    Rebuild,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..4u8, 0..3u8, any::<u16>()).prop_map(|(account, entry, amount)| Step::Append { account, entry, amount }),
        1 => Just(Step::Save),
        1 => Just(Step::Restart),
        1 => Just(Step::Rebuild),
    ]
}

fn registrations(policy: FaultPolicy) -> (Registration<Balances>, Registration<Fragile>) {
    let balances = Registration::stored("balances", 1, Balances::default)
        .with_parallel_rebuild(NonZeroUsize::new(3).unwrap());
    let fragile = Registration::stored("fragile", 1, Fragile::default);
    (balances, fragile.with_faults(policy))
}

async fn begin(backend: &InMemoryBackend, policy: FaultPolicy) -> ProjectionRegistry<Entry> {
    let registry = ProjectionRegistry::new(EventStore::with_backend(backend.clone()));
    let (balances, fragile) = registrations(policy);
    registry.add(balances).await.unwrap();
    registry.add(fragile).await.unwrap();
    registry
}

async fn states(registry: &ProjectionRegistry<Entry>) -> (Balances, u64, Vec<u64>, usize) {
    registry.wait_until_caught_up(SOON).await.unwrap();
    let balances = registry.get::<Balances>().await.unwrap().clone();
    let fragile = registry.get::<Fragile>().await.unwrap();
    (balances, fragile.sum, fragile.seen.clone(), fragile.parked().len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_rebuild_equals_the_live_state(steps in prop::collection::vec(step(), 1..60), parks in any::<bool>()) {
        let policy = if parks { FaultPolicy::park() } else { FaultPolicy::skip() }.with_attempts(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let backend = InMemoryBackend::new();
            let mut registry = begin(&backend, policy).await;
            let mut cursed = 0;
            for step in steps {
                match step {
                    Step::Append { account, entry, amount } => {
                        let amount = u64::from(amount);
                        let entry = match entry {
                            0 => Entry::Deposited { amount: amount + 70_000 },
                            1 => Entry::Withdrawn { amount: 0 },
                            _ => { cursed += 1; Entry::Cursed }
                        };
                        append(registry.store(), &format!("account-{account}"), entry).await;
                    }
                    Step::Save => registry.save().await.unwrap(),
                    Step::Restart => {
                        registry.close().await.unwrap();
                        registry = begin(&backend, policy).await;
                    }
                    Step::Rebuild => {
                        registry.rebuild_all().await.unwrap();
                    }
                }
            }
            let live = states(&registry).await;
            registry.rebuild_all().await.unwrap();
            let rebuilt = states(&registry).await;
            prop_assert_eq!(&live, &rebuilt);
            prop_assert_eq!(live.3, if parks { cursed } else { 0 });
            Ok(())
        })?;
    }
}
