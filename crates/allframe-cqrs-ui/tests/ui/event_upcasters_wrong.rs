use allframe_cqrs::{VersionRegistry, event};
use serde::{Deserialize, Serialize};

#[event(upcasters = of_another)]
#[derive(Clone, Serialize, Deserialize)]
struct OfAnother;

fn of_another() -> VersionRegistry<TakesOne> {
    VersionRegistry::new()
}

#[event(upcasters = takes_one)]
#[derive(Clone, Serialize, Deserialize)]
struct TakesOne;

fn takes_one(registry: VersionRegistry<TakesOne>) -> VersionRegistry<TakesOne> {
    registry
}

#[event(upcasters = nowhere)]
#[derive(Clone, Serialize, Deserialize)]
struct Nowhere;

fn main() {}
