//! What a store tells of its groups to those who do not have the types of the events.

use allframe_cqrs::{
    EventStore, EventStoreBackend, ExpectedVersion, StreamId,
    api::{Encoding, EventType, NewEvent},
    consumer_group::{ConsumerGroups, GroupError, Lag},
    event,
};
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Paid {
    amount: u64,
}

#[tokio::test(start_paused = true)]
async fn groups_are_listed_as_they_know_themselves() {
    let store = EventStore::<Paid>::new();
    for (stream, amount) in [("account-1", 1), ("account-2", 2), ("account-3", 3)] {
        store.append(stream, vec![Paid { amount }]).await.unwrap();
    }
    let group =
        store.consumer_group("payments").with_partitions(2).with_max_attempts(1).open().await.unwrap();
    store.consumer_group("mailer").open().await.unwrap();
    let mut consumer = group.join().unwrap();
    for _ in 0..3 {
        let delivery = consumer.next().await.unwrap();
        match delivery.event().event.amount {
            2 => delivery.nack("no"),
            _ => delivery.ack(),
        }
    }
    let member = consumer.id().clone();
    consumer.close().await.unwrap();

    let groups = ConsumerGroups::of(&store);
    let listed = groups.list().await.unwrap();
    let names: Vec<&str> = listed.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["mailer", "payments"]);
    let mut expected = group.status().await.unwrap();
    expected.iter_mut().for_each(|partition| partition.lag = Lag::Unknown);
    assert_eq!(listed[1].partitions, expected);
    assert_eq!(listed[1].partitions.iter().map(|partition| partition.parked).sum::<usize>(), 1);
    assert_eq!(groups.names().await.unwrap(), names);
    assert_eq!(groups.named("payments").await.unwrap().as_ref(), Some(&listed[1]));
    assert_eq!(groups.named("nobody").await.unwrap(), None);
    assert!(listed[0].members.is_empty());
    assert_eq!((listed[1].members.len(), &listed[1].members[0].member), (1, &member));
    assert!(listed[1].members[0].has_left);

    assert_eq!(groups.parked("payments").await.unwrap(), group.parked().await.unwrap());
    assert!(groups.parked("nobody").await.unwrap().is_empty());
    assert!(matches!(groups.parked("a/b").await, Err(GroupError::InvalidName { .. })));
}

/// Whoever went through so many partitions would come to no end, or to none of them.
#[tokio::test]
async fn a_group_with_a_number_of_partitions_that_none_has_is_told_and_hides_no_other() {
    for partitions in [0, 1_025, u64::from(u32::MAX), u64::MAX] {
        let store = EventStore::<Paid>::new();
        store.consumer_group("mailer").open().await.unwrap();
        let definition = format!(r#"{{"partitions":{partitions},"start":0}}"#);
        let defined = NewEvent::new(EventType::new("$group.defined").unwrap(), definition)
            .with_encoding(Encoding::JSON);
        let big = StreamId::new("$group-big/definition").unwrap();
        store.backend().append(&big, ExpectedVersion::NoStream, vec![defined]).await.unwrap();

        let groups = ConsumerGroups::of(&store);
        assert_eq!(groups.names().await.unwrap(), ["big", "mailer"]);
        for (asked, refused) in [
            ("named", groups.named("big").await.err()),
            ("parked", groups.parked("big").await.err()),
            ("list", groups.list().await.err()),
            ("open", store.consumer_group("big").open().await.err()),
        ] {
            assert!(
                matches!(&refused, Some(GroupError::Unreadable { stream, .. }) if *stream == big),
                "{asked}, {partitions} partitions: {refused:?}"
            );
        }
        assert!(groups.named("mailer").await.unwrap().is_some());
    }
}
