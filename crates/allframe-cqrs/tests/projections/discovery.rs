//! Projections that register themselves.

use allframe_cqrs::{
    Consistency, EventStore, NamedProjection, Projection, ProjectionRegistry, Registration, event, projection,
};
use serde::{Deserialize, Serialize};

use crate::ledger::SOON;

#[event]
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Rang {
    times: u64,
}

#[projection(name = "rings", version = 3)]
#[derive(Clone, Default, Serialize, Deserialize)]
struct Rings {
    times: u64,
}

impl Projection for Rings {
    type Event = Rang;

    fn apply(&mut self, event: &Rang) {
        self.times += event.times;
    }
}

#[projection(name = "longest", version = 1, configure = inline)]
#[derive(Clone, Default, Serialize, Deserialize)]
enum Longest {
    #[default]
    None,
    Of(u64),
}

fn inline(longest: Registration<Longest>) -> Registration<Longest> {
    longest.with_consistency(Consistency::Inline)
}

impl Projection for Longest {
    type Event = Rang;

    fn apply(&mut self, event: &Rang) {
        match self {
            Self::Of(longest) if *longest >= event.times => {}
            _ => *self = Self::Of(event.times),
        }
    }
}

#[tokio::test]
async fn every_projection_of_the_events_is_there_and_none_of_others() {
    let store = EventStore::new();
    let registry = ProjectionRegistry::start(store.clone()).await.unwrap();
    assert_eq!(registry.names(), ["longest", "rings"]);
    assert_eq!((Rings::NAME, Rings::VERSION), ("rings", 3));
    assert_eq!(registry.status_of("rings").await.unwrap().version, 3);

    store.append("bell-1", vec![Rang { times: 3 }, Rang { times: 2 }]).await.unwrap();
    assert!(matches!(*registry.get::<Longest>().await.unwrap(), Longest::Of(3)));
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(registry.get::<Rings>().await.unwrap().times, 5);
}

#[tokio::test]
async fn one_registered_by_hand_joins_them() {
    let registry = ProjectionRegistry::start(EventStore::<Rang>::new()).await.unwrap();
    registry.add(Rings::registration().named("rings-again")).await.unwrap();
    assert_eq!(registry.names(), ["longest", "rings", "rings-again"]);
}
