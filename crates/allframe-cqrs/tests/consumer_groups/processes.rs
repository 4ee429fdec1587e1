//! Members in processes of their own, on a store that several processes write.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use allframe_cqrs::{
    EventStore,
    consumer_group::{ConsumerGroup, Lag},
    event,
};
use eventstore_postgres::PostgresBackend;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::schema::Schema;

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Parcel(u64);

/// Set for a process that is to be killed: the schema of the store.
const CHILD: &str = "ALLFRAME_TEST_GROUP_SCHEMA";
const TEST: &str = "processes::when_a_process_is_killed_others_take_over_and_nothing_is_lost";
const LEASE: Duration = Duration::from_millis(1_500);
const ROUTES: u64 = 10;
const PARCELS: u64 = 60;

async fn group_on(store: &EventStore<Parcel, PostgresBackend>) -> ConsumerGroup<Parcel, PostgresBackend> {
    let group = store.consumer_group("parcels").with_lease(LEASE).with_max_in_flight(4);
    group.with_checkpoint_every(10, Duration::from_millis(100)).open().await.unwrap()
}

/// Handles one parcel after the other until it is killed, and says which before it acknowledges it.
async fn deliver_until_killed(schema: &str) {
    let store = EventStore::with_backend(Schema::opened(schema).await);
    let mut member = group_on(&store).await.join().unwrap();
    loop {
        let delivery = member.next().await.unwrap();
        println!("delivered {} {}", delivery.key(), delivery.event().event.0);
        delivery.ack();
    }
}

fn process(schema: &Schema) -> Child {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", TEST, "--nocapture"]).env(CHILD, schema.name.as_str()).stdout(Stdio::piped());
    child.spawn().unwrap()
}

/// What a process has delivered until it was killed after so many.
fn delivered_by(mut child: Child, count: usize) -> Vec<(String, u64)> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let parcel = |line: String| {
        let (route, number) = line.split_once("delivered ")?.1.rsplit_once(' ')?;
        Some((route.to_owned(), number.parse().ok()?))
    };
    let mut parcels = lines.filter_map(|line| parcel(line.unwrap()));
    let mut delivered: Vec<_> = parcels.by_ref().take(count).collect();
    child.kill().unwrap();
    // What it said before the kill has happened too.
    delivered.extend(parcels);
    child.wait().unwrap();
    delivered
}

#[tokio::test]
async fn when_a_process_is_killed_others_take_over_and_nothing_is_lost() {
    if let Ok(schema) = env::var(CHILD) {
        return deliver_until_killed(&schema).await;
    }
    let schema = Schema::new();
    let store = EventStore::with_backend(schema.open().await);
    for number in 0..PARCELS {
        for route in 0..ROUTES {
            store.append(format!("route-{route}"), vec![Parcel(number)]).await.unwrap();
        }
    }
    let mut delivered = Vec::new();
    for _ in 0..2 {
        let child = process(&schema);
        delivered.extend(tokio::task::spawn_blocking(move || delivered_by(child, 120)).await.unwrap());
    }
    assert!(delivered.len() >= 240, "the processes ended by themselves");

    let group = group_on(&store).await;
    let mut last = group.join().unwrap();
    let all_done = async || group.status().await.unwrap().iter().all(|it| it.lag == Lag::Exactly(0));
    let taking_over = async {
        while !all_done().await {
            if let Ok(delivery) = timeout(LEASE / 5, last.next()).await {
                let delivery = delivery.unwrap();
                delivered.push((delivery.key().to_owned(), delivery.event().event.0));
                delivery.ack();
            }
        }
    };
    timeout(Duration::from_secs(60), taking_over).await.unwrap();
    last.close().await.unwrap();

    let mut routes: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (route, number) in &delivered {
        if seen.insert((route, number)) {
            routes.entry(route).or_default().push(*number);
        }
    }
    assert_eq!(routes.len() as u64, ROUTES);
    for (route, first_times) in routes {
        assert!(first_times.iter().copied().eq(0..PARCELS), "{route}: {first_times:?}");
    }
}
