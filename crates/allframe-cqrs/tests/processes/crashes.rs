//! Processes that die in the middle, and others that go on.

use std::time::Duration;

use allframe_cqrs::{EventStore, process::Reacted};

use crate::shop::*;
use crate::trouble::Trouble;

#[tokio::test(start_paused = true)]
async fn what_was_decided_before_a_process_died_is_carried_out_by_another_once() {
    let whole = Shop::new();
    let dies = Shop::on(Trouble::to(&whole.way.inner).hangs_at("delivery-"), whole.clock.clone());
    let calls = Calls::default();
    let counting = |shop: &Shop| {
        let calls = calls.clone();
        shop.manager("shipping").on(key, move |told, event, then| {
            calls.count();
            let order = order_of(&event.event);
            told.note("paid");
            then.dispatch(Ship { order }).dispatch(Mail { order, text: "shipped".to_owned() });
        })
    };
    let processes = dies.open(counting(&dies)).await;
    dies.happens(Paid { order: 1 }).await;
    dies.is_told("shipping", "1", "paid").await;
    assert_eq!(whole.delivered(1).await, []);
    drop(processes);

    let processes = whole.open(counting(&whole)).await;
    let delivered = whole.delivers(1, 2).await;
    assert_eq!(delivered, [Shipped { order: 1 }, Mailed { order: 1, text: "shipped".to_owned() }]);
    assert_eq!(calls.all(), 1, "it was decided once");
    assert_eq!(state_of(&processes, 1).await.state.0, ["paid"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_carried_out_before_a_process_died_takes_no_effect_again() {
    let shop = Shop::new();
    // No checkpoint is ever written: all that was handled is delivered again in the next life.
    let forgetful = |shop: &Shop| {
        shop.shipping()
            .with_group(|group| group.with_partitions(1).with_checkpoint_every(1_000, Duration::MAX))
    };
    for life in 0_u64..4 {
        let processes = shop.open(forgetful(&shop)).await;
        shop.happens(Placed { order: 1 }).await;
        shop.happens(Paid { order: 1 }).await;
        shop.happens(Noted { order: 1, text: format!("life {life}") }).await;
        shop.is_told("shipping", "1", &format!("life {life}")).await;
        drop(processes);
    }
    let expected: Vec<_> =
        (0..4).flat_map(|life| ["placed".to_owned(), "paid".to_owned(), format!("life {life}")]).collect();
    assert_eq!(shop.is_told("shipping", "1", "life 3").await.0, expected);
    assert_eq!(shop.delivered(1).await, vec![Shipped { order: 1 }; 4]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_carried_out_for_now_is_carried_out_later_and_decided_once() {
    let shop = Shop::on(Trouble::default().fails_at("delivery-", 3), allframe_cqrs::ManualClock::new());
    let processes = shop.open(shop.shipping()).await;
    shop.happens(Paid { order: 1 }).await;
    shop.happens(Noted { order: 1, text: "behind".to_owned() }).await;
    let told = shop.is_told("shipping", "1", "behind").await;
    assert_eq!(told.0, ["paid", "behind"]);
    assert_eq!(shop.delivered(1).await, [Shipped { order: 1 }]);
    assert!(processes.parked("shipping").await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn processes_side_by_side_share_the_work_and_each_event_takes_effect_once() {
    let first = Shop::new();
    let second = first.another();
    let here = first.open(first.shipping()).await;
    let there = second.open(second.shipping()).await;
    for round in 0..3 {
        for order in 20..40 {
            first.happens(Placed { order }).await;
            first.happens(Paid { order }).await;
        }
        if round == 1 {
            // In the middle of what it does; the other one takes over.
            here.close().await;
        }
    }
    for order in 20..40 {
        assert_eq!(second.delivers(order, 3).await, vec![Shipped { order }; 3]);
    }
    there.close().await;
    let instances = EventStore::<Reacted, _>::with_backend(first.way.inner.clone());
    for order in 20..40 {
        let reactions = instances.get_events(format!("process-shipping-{order}")).await.unwrap();
        assert_eq!(reactions.len(), 6, "of order {order}");
        assert_eq!(first.delivered(order).await.len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_fired_and_whose_process_died_is_carried_out_by_another() {
    let whole = Shop::new();
    let dies = Shop::on(Trouble::to(&whole.way.inner).hangs_at("delivery-"), whole.clock.clone());
    let processes = dies.open(dies.shipping()).await;
    dies.happens(Placed { order: 1 }).await;
    dies.is_told("shipping", "1", "placed").await;
    dies.clock.advance(Duration::from_secs(86_400));
    dies.is_told("shipping", "1", "unpaid after a day").await;
    drop(processes);
    let _processes = whole.open(whole.shipping()).await;
    // The lease of the orchestrator that is gone ends first.
    let (delivered, ()) = tokio::join!(whole.delivers(1, 1), async {
        while whole.delivered(1).await.is_empty() {
            whole.clock.wake_next().await;
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(delivered, [Cancelled { order: 1 }]);
    assert_eq!(whole.is_told("shipping", "1", "placed").await.0, ["placed", "unpaid after a day"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_was_answered_before_a_process_died_is_answered_once() {
    let whole = Shop::new();
    let dies = Shop::on(Trouble::to(&whole.way.inner).hangs_at("delivery-"), whole.clock.clone());
    let answering = |shop: &Shop| {
        shop.shipping().on_refused(|told, refused, then| {
            told.note(refused.reason());
            then.dispatch(Cancel { order: 13 });
        })
    };
    let processes = dies.open(answering(&dies)).await;
    dies.happens(Paid { order: 13 }).await;
    dies.is_told("shipping", "13", "there is none left").await;
    drop(processes);
    let _processes = whole.open(answering(&whole)).await;
    assert_eq!(whole.delivers(13, 1).await, [Cancelled { order: 13 }]);
    assert_eq!(whole.is_told("shipping", "13", "paid").await.0, ["paid", "there is none left"]);
}
