//! What projections tell those who watch.

use std::time::Duration;

use allframe_cqrs::{EventStore, FaultPolicy, ProjectionRegistry, Registration};

use crate::{
    ledger::{Balances, Curse, Entry, Fragile, SOON, append, deposit},
    support::recorder::{pairs, recorded},
};

#[test]
fn where_each_stands_is_shown_and_what_it_has_taken_in_and_met_is_counted() {
    let told = recorded(async {
        let store = EventStore::new();
        let registry = ProjectionRegistry::new(store.clone());
        Curse::Fails.set();
        let at_once =
            |policy: FaultPolicy| policy.with_backoff(Duration::from_millis(1), Duration::from_millis(1));
        for (name, policy) in [("parks", FaultPolicy::park()), ("skips", FaultPolicy::skip())] {
            let fragile = Registration::in_memory(name, Fragile::default);
            registry.add(fragile.with_faults(at_once(policy.with_attempts(2)))).await.unwrap();
        }
        let stops = Registration::in_memory("stops", Fragile::default);
        registry.add(stops.with_faults(FaultPolicy::stop().with_attempts(1))).await.unwrap();
        registry.add(Registration::in_memory("sturdy", Balances::default)).await.unwrap();
        deposit(&store, "account-1", 1).await;
        append(&store, "account-1", Entry::Cursed).await;
        deposit(&store, "account-1", 4).await;
        for name in ["parks", "skips", "sturdy"] {
            registry.wait_for(name, allframe_cqrs::GlobalPosition::new(3), SOON).await.unwrap();
        }
        registry.wait_until_caught_up(SOON).await.unwrap_err();
    });
    assert_eq!(
        told.counted(),
        pairs(&[
            ("allframe_projection_events_total{projection=parks}", 2),
            ("allframe_projection_events_total{projection=skips}", 2),
            ("allframe_projection_events_total{projection=stops}", 1),
            ("allframe_projection_events_total{projection=sturdy}", 3),
            ("allframe_projection_faults_total{projection=parks,outcome=parked}", 1),
            ("allframe_projection_faults_total{projection=parks,outcome=retried}", 1),
            ("allframe_projection_faults_total{projection=skips,outcome=retried}", 1),
            ("allframe_projection_faults_total{projection=skips,outcome=skipped}", 1),
            ("allframe_projection_faults_total{projection=stops,outcome=stopped}", 1),
        ])
    );
    assert_eq!(
        told.shown(),
        pairs(&[
            ("allframe_projection_parked_events{projection=parks}", 1.0),
            ("allframe_projection_parked_events{projection=skips}", 0.0),
            ("allframe_projection_parked_events{projection=stops}", 0.0),
            ("allframe_projection_parked_events{projection=sturdy}", 0.0),
            ("allframe_projection_position{projection=parks}", 3.0),
            ("allframe_projection_position{projection=skips}", 3.0),
            ("allframe_projection_position{projection=stops}", 1.0),
            ("allframe_projection_position{projection=sturdy}", 3.0),
            ("allframe_projection_running{projection=parks}", 1.0),
            ("allframe_projection_running{projection=skips}", 1.0),
            ("allframe_projection_running{projection=stops}", 0.0),
            ("allframe_projection_running{projection=sturdy}", 1.0),
        ])
    );
}

#[test]
fn one_that_was_closed_is_shown_as_not_running() {
    let told = recorded(async {
        let store = EventStore::<Entry>::new();
        let registry = ProjectionRegistry::new(store.clone());
        registry.add(Registration::in_memory("sturdy", Balances::default)).await.unwrap();
        registry.close().await.unwrap();
    });
    assert!(told.shown().contains(&("allframe_projection_running{projection=sturdy}".to_owned(), 0.0)));
}
