//! What is wrong, and who is told.

use allframe_cqrs::{
    EventStoreBackend,
    consumer_group::ParkedEvent,
    process::{ProcessError, ProcessManager, Processes, Reaction},
    saga::SagaError,
};
use serde::{Deserialize, Serialize};

use crate::shop::*;

async fn parked(shop: &Shop, processes: &Processes) -> ParkedEvent {
    until(&shop.way.inner, async || processes.parked("shipping").await.unwrap().into_iter().next()).await
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_handler_panics_is_tried_again_then_parked_and_can_be_replayed() {
    let shop = Shop::new();
    let calls = Calls::default();
    let counted = calls.clone();
    let manager = shop.manager("shipping").with_group(|group| group.with_max_attempts(3)).on(
        key,
        move |told, event, _| match &event.event {
            Placed { .. } => {
                told.note("half done");
                assert!(counted.count() > 3, "the handler is not well");
            }
            _ => told.note("next"),
        },
    );
    let processes = shop.open(manager).await;
    shop.happens(Placed { order: 1 }).await;
    shop.happens(Paid { order: 1 }).await;
    shop.happens(Paid { order: 2 }).await;
    let parked = parked(&shop, &processes).await;
    assert!(parked.reason.contains("the handler is not well"), "{}", parked.reason);
    assert_eq!(calls.all(), 3);
    shop.is_told("shipping", "2", "next").await;
    processes.replay_parked("shipping", "1").await.unwrap();
    assert_eq!(shop.is_told("shipping", "1", "next").await.0, ["half done", "next"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_refuse_an_event() {
    let shop = Shop::new();
    let manager = shop.manager("shipping").on(key, |told, _, then| {
        told.note("not stored");
        then.dispatch(Ship { order: 1 }).fail("the order is not known yet");
    });
    let processes = shop.open(manager).await;
    shop.happens(Paid { order: 1 }).await;
    assert_eq!(parked(&shop, &processes).await.reason, "the order is not known yet");
    assert!(processes.state::<Told>("shipping", "1").await.unwrap().is_none());
    assert_eq!(shop.delivered(1).await, []);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_carried_out_is_found_before_it_is_stored() {
    type Wrong = for<'a, 'r> fn(&'a mut Reaction<'r>) -> &'a mut Reaction<'r>;
    let wrongs: [(Wrong, &str); 2] = [
        (
            |then| then.set_timer("payment", std::time::Duration::ZERO, &()),
            "no handler for the timer `payment`",
        ),
        (|then| then.dispatch(Ship { order: 1 }), "does not know where `Ship` goes"),
    ];
    for (wrong, why) in wrongs {
        let shop = Shop::new();
        let manager = ProcessManager::<Told, OrderEvent>::new("shipping")
            .on(key, move |_, _, then| {
                wrong(then);
            })
            .with_group(|group| group.with_max_attempts(1));
        let processes = shop.open(manager).await;
        shop.happens(Paid { order: 1 }).await;
        let parked = parked(&shop, &processes).await;
        assert!(parked.reason.contains(why), "{}", parked.reason);
        assert!(processes.state::<Told>("shipping", "1").await.unwrap().is_none());
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Later {
    count: u32,
}

#[tokio::test(start_paused = true)]
async fn a_state_that_cannot_be_read_any_more_parks_the_event_and_stays_as_it_is() {
    let shop = Shop::new();
    let processes = shop.open(shop.shipping()).await;
    shop.happens(Noted { order: 1, text: "first".to_owned() }).await;
    shop.is_told("shipping", "1", "first").await;
    processes.close().await;

    let later = ProcessManager::<Later, OrderEvent>::new("shipping")
        .on(key, |later, _, _| later.count += 1)
        .with_group(|group| group.with_max_attempts(1));
    let processes =
        Processes::builder(shop.orchestrator()).process(&shop.orders, later).open().await.unwrap();
    shop.happens(Paid { order: 1 }).await;
    let parked = parked(&shop, &processes).await;
    assert!(parked.reason.contains("the state of version 1 of `process-shipping-1`"), "{}", parked.reason);
    let unreadable = processes.state::<Later>("shipping", "1").await;
    assert!(matches!(unreadable, Err(ProcessError::UnreadableState { .. })));
    processes.close().await;

    // The program that can read it goes on where it was.
    let processes = shop.open(shop.shipping()).await;
    processes.replay_parked("shipping", "1").await.unwrap();
    shop.delivers(1, 1).await;
    assert_eq!(state_of(&processes, 1).await.state.0, ["first", "paid"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_key_makes_no_stream_is_parked_and_the_others_go_on() {
    let shop = Shop::new();
    let manager = shop.manager("shipping").on(
        |event| match &event.event {
            Noted { text, .. } => Some(text.clone()),
            Closed { .. } => panic!("there is no key"),
            _ => None,
        },
        |told, _, _| told.note("noted"),
    );
    let manager = manager.with_group(|group| group.with_max_attempts(1));
    let processes = shop.open(manager).await;
    shop.happens(Noted { order: 1, text: "two\nlines".to_owned() }).await;
    shop.happens(Noted { order: 2, text: "k".repeat(300) }).await;
    shop.happens(Closed { order: 3 }).await;
    shop.happens(Noted { order: 4, text: "fine".to_owned() }).await;
    shop.is_told("shipping", "fine", "noted").await;
    let reasons = until(&shop.way.inner, async || {
        let parked = processes.parked("shipping").await.unwrap();
        (parked.len() == 3).then(|| parked.into_iter().map(|parked| parked.reason).collect::<Vec<_>>())
    })
    .await;
    assert!(reasons[0].contains("control character") && reasons[1].contains("256 bytes"), "{reasons:?}");
    assert!(reasons[2].contains("there is no key"), "{reasons:?}");
}

#[tokio::test(start_paused = true)]
async fn names_commands_and_timers_are_checked_when_they_are_opened() {
    let shop = Shop::new();
    let refused = async |managers: Vec<ProcessManager<Told, OrderEvent>>| {
        let builder = Processes::builder(shop.orchestrator());
        let builder =
            managers.into_iter().fold(builder, |builder, manager| builder.process(&shop.orders, manager));
        builder.open().await.unwrap_err()
    };
    let error = refused(vec![shop.manager("ship-ping")]).await;
    assert!(matches!(error, ProcessError::InvalidName { name } if name == "ship-ping"));
    let error = refused(vec![shop.manager("shipping"), shop.manager("shipping")]).await;
    assert!(matches!(error, ProcessError::TwoProcesses { name } if name == "shipping"));
    let error = refused(vec![shop.manager("shipping").dispatches::<Ship>(&shop.bus)]).await;
    assert!(matches!(error, ProcessError::TwoCommands { command, .. } if command == "Ship"));
    let error = refused(vec![shop.shipping().on_timer("payment", |_, (), _| {})]).await;
    assert!(matches!(error, ProcessError::TwoTimers { timer, .. } if timer == "payment"));
    assert_eq!(shop.way.inner.stats().await.unwrap().total_events, 0);
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_what_there_is_not_is_told() {
    let shop = Shop::new();
    let processes = shop.open(shop.shipping()).await;
    let error = processes.parked("billing").await.unwrap_err();
    assert!(matches!(error, ProcessError::NoProcess { name } if name == "billing"));
    processes.close().await;
    let error = processes.state::<Told>("shipping", "1").await.unwrap_err();
    assert!(matches!(error, ProcessError::Closed));
    let error = processes.orchestrator().start("thanks", "1", &"ann").await.unwrap_err();
    assert!(matches!(error, SagaError::Closed));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_in_another_order_comes_late_and_is_handled_once_all_the_same() {
    let shop = Shop::new();
    let manager = |shop: &Shop, knows_placed: bool| {
        shop.manager("shipping").with_group(|group| group.with_max_attempts(1)).on(
            move |event| match &event.event {
                Placed { .. } if !knows_placed => panic!("there is no key"),
                _ => key(event),
            },
            |told, event, _| {
                told.note(match &event.event {
                    Placed { .. } => "placed",
                    _ => "something else",
                });
            },
        )
    };
    let processes = shop.open(manager(&shop, false)).await;
    shop.happens(Placed { order: 1 }).await;
    shop.orders.append("payments", vec![Paid { order: 1 }]).await.unwrap();
    assert_eq!(parked(&shop, &processes).await.key, "order-1");
    shop.is_told("shipping", "1", "something else").await;
    processes.close().await;

    let processes = shop.open(manager(&shop, true)).await;
    processes.replay_parked("shipping", "order-1").await.unwrap();
    assert_eq!(shop.is_told("shipping", "1", "placed").await.0, ["something else", "placed"]);
    processes.close().await;
}
