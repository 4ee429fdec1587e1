//! A travel agency: a trip is a hotel, a train and a payment, of three companies that know nothing of each other. All of them, or none.
//!
//! ```sh
//! cargo run -p allframe-cqrs --example sagas
//! ```
//!
//! Ann's trip goes well. Bob's card is declined, and what was booked for him is cancelled, the last first. While the railway thinks about Cid's,
//! the agency's process dies; the next one asks again, under the same key, and Cid has one seat. docs/sagas.md has the rest.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use allframe_cqrs::{
    EventStore, InMemoryBackend, event, saga,
    saga::{Saga as _, SagaError, SagaOrchestrator, SagaOutcome, Sagas, StepContext, StepError},
};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// The events of the application itself, beside which those of sagas are stored.
#[event]
#[derive(Clone, Serialize, Deserialize)]
struct TripWished {}

#[derive(Serialize, Deserialize)]
struct Wish {
    traveller: String,
    budget: u32,
}

const PRICE: u32 = 200;

#[derive(Clone)]
struct Trip {
    world: Arc<World>,
}

#[saga(name = "trip", timeout = "2h")]
impl Trip {
    #[saga_step(compensate = cancel_hotel)]
    async fn book_hotel(&self, input: &Wish, context: &StepContext<Wish>) -> Result<String, StepError> {
        self.world.book("hotel", &input.traveller, context.idempotency_key());
        Ok(format!("a room for {}", input.traveller))
    }

    async fn cancel_hotel(
        &self,
        _book_hotel: Option<&String>,
        context: &StepContext<Wish>,
    ) -> Result<(), StepError> {
        self.world.cancel("hotel", &context.input().traveller, context.idempotency_key());
        Ok(())
    }

    #[saga_step(after(book_hotel), compensate = cancel_train)]
    async fn book_train(&self, input: &Wish, context: &StepContext<Wish>) -> Result<String, StepError> {
        self.world.book("train", &input.traveller, context.idempotency_key());
        self.world.railway_answers(&input.traveller).await;
        Ok(format!("a seat for {}", input.traveller))
    }

    async fn cancel_train(
        &self,
        _book_train: Option<&String>,
        context: &StepContext<Wish>,
    ) -> Result<(), StepError> {
        self.world.cancel("train", &context.input().traveller, context.idempotency_key());
        Ok(())
    }

    // Its parameters are the answers of the steps that it comes after.
    #[saga_step]
    async fn pay(&self, input: &Wish, book_hotel: &String, book_train: &String) -> Result<String, StepError> {
        match input.budget {
            ..PRICE => Err(StepError::rejected("the card was declined")),
            _ => Ok(format!("{book_hotel} and {book_train}")),
        }
    }
}

/// The hotel and the railway. They outlive the agency's processes.
#[derive(Default)]
struct World {
    /// The keys under which something is booked: what is asked for twice under one is booked once.
    booked: Mutex<BTreeSet<Arc<str>>>,
    told: Mutex<Vec<String>>,
    /// The traveller about whom the railway thinks for ever.
    railway_forgets: Mutex<Option<&'static str>>,
    railway_thinks: Notify,
}

impl World {
    fn book(&self, what: &str, traveller: &str, key: &Arc<str>) {
        let is_new = locked(&self.booked).insert(Arc::clone(key));
        let told = if is_new { "booked" } else { "asked for again, and there already" };
        locked(&self.told).push(format!("{traveller}'s {what} is {told}"));
    }

    /// What undoes a step has a key of its own. A real company is asked to cancel what it has booked for this trip, if it has.
    fn cancel(&self, what: &str, traveller: &str, key: &Arc<str>) {
        if locked(&self.booked).insert(Arc::clone(key)) {
            locked(&self.told).push(format!("{traveller}'s {what} is cancelled"));
        }
    }

    async fn railway_answers(&self, traveller: &str) {
        if locked(&self.railway_forgets).take_if(|it| *it == traveller).is_some() {
            self.railway_thinks.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

fn locked<T>(it: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process of the agency, of which there may be any number. This one has a name, and goes on at once with what it left when it died.
async fn agency(store: &EventStore<TripWished>, world: &Arc<World>) -> Result<SagaOrchestrator, SagaError> {
    let trip = Trip { world: Arc::clone(world) };
    SagaOrchestrator::builder(store).with_worker_name("agency-1").saga(trip).open().await
}

struct Told {
    outcomes: Vec<(&'static str, SagaOutcome)>,
    by_the_world: Vec<String>,
    steps_of_cid: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let told = tell().await?;
    told.by_the_world.iter().for_each(|line| println!("{line}"));
    for (traveller, outcome) in &told.outcomes {
        match outcome.output::<String>("pay") {
            Ok(paid) => println!("{traveller} has {paid}"),
            Err(_) => println!("{traveller} stays at home: {outcome:?}"),
        }
    }
    println!("Cid's trip, step by step:");
    told.steps_of_cid.iter().for_each(|step| println!("  {step}"));
    Ok(())
}

async fn tell() -> anyhow::Result<Told> {
    let world = Arc::new(World { railway_forgets: Mutex::new(Some("cid")), ..World::default() });
    // With `EventStore::with_backend(WalBackend::production("./data")?)` the first process may be killed, and not only dropped.
    let store = EventStore::<TripWished, InMemoryBackend>::new();
    let wish = |traveller: &str, budget| Wish { traveller: traveller.to_owned(), budget };

    let first = agency(&store, &world).await?;
    let ann = first.run(Trip::NAME, "ann", &wish("ann", 500)).await?;
    let bob = first.run(Trip::NAME, "bob", &wish("bob", 100)).await?;
    let trip_of_cid = first.start(Trip::NAME, "cid", &wish("cid", 300)).await?;
    world.railway_thinks.notified().await;
    drop(first);

    let second = agency(&store, &world).await?;
    let cid = second.wait_for_end(&trip_of_cid).await?;
    second.close().await;

    let steps = Sagas::of(&store).show(&trip_of_cid).await?.steps;
    let steps_of_cid =
        steps.iter().map(|it| format!("{}: {:?}, attempt {}", it.name, it.progress, it.attempts));
    Ok(Told {
        outcomes: vec![("ann", ann), ("bob", bob), ("cid", cid)],
        by_the_world: locked(&world.told).clone(),
        steps_of_cid: steps_of_cid.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn trips_are_booked_whole_or_undone_and_go_on_in_the_next_process() {
        let told = tell().await.unwrap();
        assert_eq!(
            told.by_the_world,
            [
                "ann's hotel is booked",
                "ann's train is booked",
                "bob's hotel is booked",
                "bob's train is booked",
                "bob's train is cancelled",
                "bob's hotel is cancelled",
                "cid's hotel is booked",
                "cid's train is booked",
                "cid's train is asked for again, and there already",
            ]
        );
        let [(_, ann), (_, bob), (_, cid)] = &told.outcomes[..] else { panic!("{:?}", told.outcomes) };
        assert_eq!(ann.output::<String>("pay").unwrap(), "a room for ann and a seat for ann");
        assert_eq!(
            *bob,
            SagaOutcome::Compensated { reason: "the step `pay` failed: the card was declined".into() }
        );
        assert!(cid.is_completed(), "{cid:?}");
        assert_eq!(told.steps_of_cid.len(), 3);
    }
}
