//! Commands that are refused.

use allframe_cqrs::process::Refused;

use crate::shop::*;

#[tokio::test(start_paused = true)]
async fn a_refused_command_is_told_to_its_instance_which_decides_what_then() {
    let shop = Shop::new();
    let manager = shop.shipping().on_refused(|told, refused: &Refused, then| {
        let Ship { order } = refused.command::<Ship>().unwrap();
        told.note(format!("{}: {}", refused.command_name(), refused.reason()));
        then.dispatch(Cancel { order });
    });
    let processes = shop.open(manager).await;
    shop.happens(Paid { order: 13 }).await;
    assert_eq!(shop.delivers(13, 1).await, [Cancelled { order: 13 }]);
    assert_eq!(state_of(&processes, 13).await.state.0, ["paid", "Ship: there is none left"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_command_of_which_nobody_wants_to_hear_parks_its_event() {
    let shop = Shop::new();
    let processes = shop.open(shop.shipping()).await;
    shop.happens(Paid { order: 13 }).await;
    let parked = until(&shop.way.inner, async || processes.parked("shipping").await.unwrap().pop()).await;
    assert_eq!(parked.key, "13");
    assert!(parked.reason.contains("`Ship` was refused"), "{}", parked.reason);
    assert!(parked.reason.contains("there is none left"), "{}", parked.reason);
}

#[tokio::test(start_paused = true)]
async fn one_that_answers_refusals_with_refused_commands_for_ever_is_stopped() {
    let shop = Shop::new();
    let manager = shop.shipping().on_refused(|_, _, then| {
        then.dispatch(Ship { order: 13 });
    });
    let processes = shop.open(manager).await;
    shop.happens(Paid { order: 13 }).await;
    let parked = until(&shop.way.inner, async || processes.parked("shipping").await.unwrap().pop()).await;
    assert!(parked.reason.contains("16 times in a row"), "{}", parked.reason);
}
