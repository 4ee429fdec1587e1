//! Timers and scheduled commands, on a clock that the tests move.

use std::time::Duration;

use allframe_cqrs::{EventStoreBackend, StreamId};

use crate::shop::*;

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test(start_paused = true)]
async fn a_timer_fires_when_its_time_has_come_and_not_before() {
    let shop = Shop::new();
    let processes = shop.open(shop.shipping()).await;
    shop.happens(Placed { order: 1 }).await;
    shop.is_told("shipping", "1", "placed").await;
    shop.clock.advance(DAY / 2);
    // Something else is done in the meantime, and the timer is not.
    shop.happens(Paid { order: 2 }).await;
    shop.delivers(2, 1).await;
    assert_eq!(state_of(&processes, 1).await.timers, ["payment"]);
    shop.clock.advance(DAY / 2);
    assert_eq!(shop.delivers(1, 1).await, [Cancelled { order: 1 }]);
    let ended = state_of(&processes, 1).await;
    assert_eq!(ended.state.0, ["placed", "unpaid after a day"]);
    assert!(ended.has_ended);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_was_set_before_a_restart_fires_behind_it() {
    let shop = Shop::new();
    let processes = shop.open(shop.shipping()).await;
    shop.happens(Placed { order: 1 }).await;
    shop.is_told("shipping", "1", "placed").await;
    processes.close().await;
    shop.clock.advance(2 * DAY);
    let again = shop.another();
    let _processes = again.open(again.shipping()).await;
    assert_eq!(again.delivers(1, 1).await, [Cancelled { order: 1 }]);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_was_cancelled_does_nothing_and_one_that_was_set_anew_fires_once() {
    let shop = Shop::new();
    let manager = shop
        .manager("shipping")
        .on(key, |_, event, then| match &event.event {
            Placed { .. } => {
                then.set_timer("reminder", DAY, &1).set_timer("other", 3 * DAY, &());
            }
            Noted { .. } => {
                then.set_timer("reminder", 2 * DAY, &2);
            }
            _ => {
                then.cancel_timer("reminder");
            }
        })
        .on_timer("reminder", |told, which: u32, _| told.note(format!("reminder {which}")))
        .on_timer("other", |told, (), _| told.note("other"));
    let _processes = shop.open(manager).await;
    for order in [1, 2] {
        shop.happens(Placed { order }).await;
    }
    shop.happens(Paid { order: 1 }).await;
    shop.happens(Noted { order: 2, text: String::new() }).await;
    // Both are set before any time passes, and what is behind them in their keys is handled.
    for (order, reactions) in [("1", 2), ("2", 2)] {
        until(&shop.way.inner, async || {
            let store = allframe_cqrs::EventStore::<allframe_cqrs::process::Reacted, _>::with_backend(
                shop.way.inner.clone(),
            );
            let reacted = store.get_events(format!("process-shipping-{order}")).await.unwrap();
            (reacted.len() == reactions).then_some(())
        })
        .await;
    }
    for _ in 0..3 {
        shop.clock.advance(DAY);
    }
    assert_eq!(shop.is_told("shipping", "1", "other").await.0, ["other"]);
    let second = shop.is_told("shipping", "2", "other").await;
    shop.is_told("shipping", "2", "reminder 2").await;
    assert!(!second.0.contains(&"reminder 1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_command_is_dispatched_when_its_time_has_come_also_behind_a_restart_and_the_end() {
    let shop = Shop::new();
    let asking = |shop: &Shop| {
        shop.manager("asking").on(key, |told, event, then| {
            let order = order_of(&event.event);
            told.note("asked");
            then.dispatch_after(7 * DAY, Mail { order, text: "was it good?".to_owned() }).end();
        })
    };
    let processes = shop.open(asking(&shop)).await;
    shop.happens(Placed { order: 1 }).await;
    shop.is_told("asking", "1", "asked").await;
    processes.close().await;
    let again = shop.another();
    let _processes = again.open(asking(&again)).await;
    again.clock.advance(6 * DAY);
    again.happens(Placed { order: 2 }).await;
    again.is_told("asking", "2", "asked").await;
    assert_eq!(again.delivered(1).await, []);
    again.clock.advance(DAY);
    assert_eq!(again.delivers(1, 1).await, [Mailed { order: 1, text: "was it good?".to_owned() }]);
}

#[tokio::test(start_paused = true)]
async fn what_follows_from_a_timer_belongs_to_what_the_event_does_that_set_it() {
    let shop = Shop::new();
    let _processes = shop.open(shop.shipping()).await;
    shop.happens(Placed { order: 1 }).await;
    shop.is_told("shipping", "1", "placed").await;
    shop.clock.advance(DAY);
    shop.delivers(1, 1).await;
    let first = async |stream: &'static str| {
        let stream = StreamId::new(stream).unwrap();
        shop.way.inner.get_events(&stream).await.unwrap().remove(0)
    };
    let (placed, cancelled) = (first("order-1").await, first("delivery-1").await);
    assert_eq!(cancelled.metadata.correlation_id(), Some(&*placed.id.to_string()));
    let timer = first("saga-process_timer.shipping-1/1").await;
    assert_eq!(timer.metadata.correlation_id(), Some(&*placed.id.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_timer_whose_handler_panics_is_tried_again() {
    let shop = Shop::new();
    let calls = Calls::default();
    let counted = calls.clone();
    let manager = shop
        .manager("shipping")
        .on(key, |_, _, then| {
            then.set_timer("reminder", DAY, &());
        })
        .on_timer("reminder", move |told, (), _| {
            assert!(counted.count() > 2, "the handler is not well");
            told.note("reminded");
        });
    let _processes = shop.open(manager).await;
    shop.happens(Placed { order: 1 }).await;
    let reminded = shop.is_told("shipping", "1", "reminded");
    let (told, ()) = tokio::join!(reminded, async {
        while calls.all() < 3 {
            shop.clock.wake_next().await;
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(told.0, ["reminded"]);
}
