//! What instances do about events.

use allframe_cqrs::{
    Draft, EventStore, EventStoreBackend, ExpectedVersion, Metadata, StreamId,
    process::{ProcessManager, Processes},
    saga::SagaId,
};

use crate::shop::*;

#[tokio::test(start_paused = true)]
async fn each_instance_knows_what_it_was_told_and_dispatches_what_follows() {
    let shop = Shop::new();
    let processes = shop.open(shop.shipping()).await;
    for order in [1, 2] {
        shop.happens(Placed { order }).await;
    }
    shop.happens(Paid { order: 2 }).await;
    assert_eq!(shop.delivers(2, 1).await, [Shipped { order: 2 }]);
    shop.is_told("shipping", "1", "placed").await;
    assert_eq!(state_of(&processes, 1).await.timers, ["payment"]);
    let second = state_of(&processes, 2).await;
    assert_eq!((second.state.0.join(" "), second.timers.len()), ("placed paid".to_owned(), 0));
    assert!(processes.state::<Told>("shipping", "3").await.unwrap().is_none());
    assert_eq!(shop.delivered(1).await, []);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_has_ended_reacts_to_nothing_any_more() {
    let shop = Shop::new();
    let processes = shop.open(shop.shipping()).await;
    for event in [Placed { order: 1 }, Closed { order: 1 }, Paid { order: 1 }] {
        shop.happens(event).await;
    }
    // Of one partition or another, but behind it in the same stream: when this was handled, so was what came before.
    shop.happens(Paid { order: 2 }).await;
    shop.delivers(2, 1).await;
    processes.close().await;
    let processes = shop.open(shop.shipping()).await;
    let ended = state_of(&processes, 1).await;
    assert!(ended.has_ended && ended.timers.is_empty());
    assert_eq!(ended.state.0, ["placed", "closed"]);
    assert_eq!(shop.delivered(1).await, []);
}

#[tokio::test(start_paused = true)]
async fn an_event_without_a_key_is_for_nobody_and_the_first_function_that_knows_one_decides() {
    let shop = Shop::new();
    let manager = shop
        .manager("shipping")
        .on(|event| matches!(event.event, Paid { .. }).then(|| "paid"), |told, _, _| told.note("a payment"))
        .on(|event| key(event).filter(|key| key != "1"), |told, _, _| told.note("something"));
    let processes = shop.open(manager).await;
    for event in [Placed { order: 1 }, Paid { order: 1 }, Placed { order: 2 }] {
        shop.happens(event).await;
    }
    shop.is_told("shipping", "paid", "a payment").await;
    shop.is_told("shipping", "2", "something").await;
    assert!(processes.state::<Told>("shipping", "1").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_command_belongs_to_what_its_event_belongs_to_and_comes_of_it() {
    let shop = Shop::new();
    let _processes = shop.open(shop.shipping()).await;
    let paid = Draft::new(Paid { order: 1 }).with_metadata(Metadata::new().with_correlation_id("basket-9"));
    shop.orders.batch().append("order-1", ExpectedVersion::Any, [paid]).commit().await.unwrap();
    shop.delivers(1, 1).await;
    let of = |stream: &'static str| {
        let backend = shop.way.inner.clone();
        async move { backend.get_events(&StreamId::new(stream).unwrap()).await.unwrap().remove(0) }
    };
    let (paid, reacted, shipped) =
        (of("order-1").await, of("process-shipping-1").await, of("delivery-1").await);
    assert_eq!(reacted.metadata.correlation_id(), Some("basket-9"));
    assert_eq!(reacted.metadata.causation_id(), Some(&*paid.id.to_string()));
    assert_eq!(shipped.metadata.correlation_id(), Some("basket-9"));
    assert_eq!(shipped.metadata.get("idempotency_key"), Some("process-shipping-1/1.0"));
}

#[tokio::test(start_paused = true)]
async fn sagas_are_started_by_events_once_each() {
    let shop = Shop::new();
    let starter = ProcessManager::starting_sagas("thanking", "thanks", |event: &OrderEvent| match event {
        Paid { order } => Some((order.to_string(), format!("order {order}"))),
        _ => None,
    });
    let processes =
        Processes::builder(shop.orchestrator()).process(&shop.orders, starter).open().await.unwrap();
    for event in [Placed { order: 1 }, Paid { order: 1 }, Paid { order: 1 }, Paid { order: 2 }] {
        shop.happens(event).await;
    }
    let sagas = EventStore::<allframe_cqrs::saga::SagaEvent, _>::with_backend(shop.way.inner.clone());
    for order in ["1", "2"] {
        let saga = SagaId::new("thanks", order).unwrap();
        until(&shop.way.inner, async || {
            (!sagas.get_events(saga.stream().as_str()).await.unwrap().is_empty()).then_some(())
        })
        .await;
        let outcome = processes.orchestrator().wait_for_end(&saga).await.unwrap();
        assert_eq!(outcome.output::<String>("thank").unwrap(), format!("thanks, order {order}"));
    }
    processes.close().await;
    assert!(processes.parked("thanking").await.unwrap().is_empty());
}
