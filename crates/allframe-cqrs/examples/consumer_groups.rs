//! The kitchen of a restaurant: two cooks share the orders, as members of a consumer group, and each dish is made once.
//!
//! ```sh
//! cargo run -p allframe-cqrs --example consumer_groups
//! ```
//!
//! The tables are the keys: what a table has ordered is made in its order, one dish after the other, and that of different tables
//! side by side. At lunch each cook has half of the tables; one goes home then, and the other has all of them in the evening.
//! docs/consumer-groups.md says what holds, also where a cook drops everything and is never seen again.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::time::Duration;

use allframe_cqrs::{
    EventStore, InMemoryBackend,
    consumer_group::{Consumer, ConsumerGroup, Delivery, GroupError, Lag, PartitionStatus},
    event,
};
use serde::{Deserialize, Serialize};
use tokio::time::interval;

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Ordered {
    dish: String,
}

type Cook = Consumer<Ordered, InMemoryBackend>;
/// As many as the group has partitions. Their names are spread over all of these, so that each cook has four.
const TABLES: usize = 8;
const LUNCH: &[&str] = &["soup", "trout", "apple pie"];
const EVENING: &[&str] = &["olives", "risotto"];

struct Dish {
    cook: &'static str,
    table: String,
    name: String,
}

/// What was made, in this order, and how the kitchen stands after it.
struct Day {
    lunch: Vec<Dish>,
    evening: Vec<Dish>,
    left: Vec<PartitionStatus>,
}

#[tokio::main]
async fn main() -> Result<(), GroupError> {
    let day = a_day_in_the_kitchen().await?;
    for (time, dishes) in [("lunch", &day.lunch), ("evening", &day.evening)] {
        let made_by = |cook: &str| dishes.iter().filter(|dish| dish.cook == cook).count();
        println!("{time}: ann made {} dishes, bob {}", made_by("ann"), made_by("bob"));
    }
    for Dish { cook, name, .. } in day.lunch.iter().filter(|dish| dish.table == "table-1") {
        println!("table-1 had {name}, by {cook}");
    }
    let waiting = day.left.iter().filter(|tables| tables.lag != Lag::Exactly(0)).count();
    println!("{waiting} tables wait");
    Ok(())
}

async fn a_day_in_the_kitchen() -> Result<Day, GroupError> {
    let store = EventStore::<Ordered>::new();
    // Members look at each other every third of a lease: so soon a second one gets its share.
    let kitchen = store.consumer_group("kitchen").with_lease(Duration::from_secs(3)).open().await?;
    // In life, each in a process of its own.
    let (mut ann, mut bob) = (kitchen.join()?, kitchen.join()?);
    until_each_has_half(&kitchen, [&ann, &bob]).await?;

    order(&store, LUNCH).await?;
    let mut lunch = Vec::new();
    while lunch.len() < TABLES * LUNCH.len() {
        lunch.push(tokio::select! {
            order = ann.next() => make("ann", order?),
            order = bob.next() => make("bob", order?),
        });
    }

    // Who closes hands over at once. Who just disappears is waited for, as long as a lease.
    bob.close().await?;
    order(&store, EVENING).await?;
    let mut evening = Vec::new();
    while evening.len() < TABLES * EVENING.len() {
        evening.push(make("ann", ann.next().await?));
    }
    ann.close().await?;
    Ok(Day { lunch, evening, left: kitchen.status().await? })
}

async fn order(store: &EventStore<Ordered>, menu: &[&str]) -> Result<(), GroupError> {
    for table in 1..=TABLES {
        let dishes = menu.iter().map(|dish| Ordered { dish: (*dish).to_owned() }).collect();
        store.append(format!("table-{table}"), dishes).await?;
    }
    Ok(())
}

/// An order that is dropped and not acknowledged, as where a cook fails, is given out again.
fn make(cook: &'static str, order: Delivery<Ordered>) -> Dish {
    let dish = Dish { cook, table: order.key().to_owned(), name: order.event().event.dish.clone() };
    order.ack();
    dish
}

async fn until_each_has_half(
    kitchen: &ConsumerGroup<Ordered, InMemoryBackend>,
    cooks: [&Cook; 2],
) -> Result<(), GroupError> {
    let mut looks = interval(Duration::from_millis(50));
    loop {
        looks.tick().await;
        let tables = kitchen.status().await?;
        let of = |cook: &Cook| tables.iter().filter(|table| table.holder.as_ref() == Some(cook.id())).count();
        if cooks.map(of) == [TABLES / 2; 2] {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dishes of a table, in the order in which they were made.
    fn of_table(dishes: &[Dish], table: usize) -> Vec<&str> {
        let of_table = dishes.iter().filter(|dish| dish.table == format!("table-{table}"));
        of_table.map(|dish| dish.name.as_str()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn each_dish_is_made_once_and_in_the_order_of_its_table_whoever_is_there() {
        let day = a_day_in_the_kitchen().await.unwrap();
        for table in 1..=TABLES {
            assert_eq!(of_table(&day.lunch, table), LUNCH);
            assert_eq!(of_table(&day.evening, table), EVENING);
        }
        assert_eq!(day.lunch.iter().filter(|dish| dish.cook == "bob").count(), TABLES / 2 * LUNCH.len());
        assert!(day.evening.iter().all(|dish| dish.cook == "ann"));
        assert!(day.left.iter().all(|table| table.lag == Lag::Exactly(0)), "{:?}", day.left);
    }
}
