//! What the span of a dispatch says, to a subscriber that keeps it.

use allframe_cqrs::DispatchContext;
use futures_util::FutureExt;

use crate::{
    bank::{Bank, Deposit, Withdraw},
    support::listener::{Told, listen},
};

#[test]
fn the_span_of_a_command_says_which_it_was_what_it_belongs_to_and_what_became_of_it() {
    let context = DispatchContext::new().with_correlation_id("order-17");
    let id = context.id().to_string();
    let told = listen("command", async {
        let bank = Bank::new();
        let deposit = Deposit { account: 7, amount: 5 };
        bank.bus.dispatch_idempotent_with(context, deposit, "k").await.unwrap();
        bank.bus.dispatch_idempotent(Deposit { account: 7, amount: 5 }, "k").await.unwrap();
        bank.bus.dispatch(Withdraw { account: 7, amount: 6 }).await.unwrap_err();
    });
    let fields = [
        ("attempts", "1"),
        ("correlation_id", "order-17"),
        ("id", &*id),
        ("idempotency_key", "k"),
        ("name", "Deposit"),
        ("outcome", "ok"),
    ];
    let first = Told { name: "command", fields: fields.map(|(name, is)| (name, is.to_owned())).into() };
    assert_eq!(told[0], first);
    let rest: Vec<_> = told[1..].iter().map(|told| (told.field("name"), told.field("outcome"))).collect();
    assert_eq!(rest, [(Some("Deposit"), Some("repeated")), (Some("Withdraw"), Some("rejected"))]);
    assert_eq!(told[2].field("idempotency_key"), None);
}

#[test]
fn a_command_whose_caller_goes_away_is_told_as_dropped() {
    #[allframe_cqrs::command(stream = "account-9")]
    struct Hang;
    let told = listen("command", async {
        let bank = Bank::with(|builder| {
            builder.function(|_: Hang| std::future::pending::<Vec<crate::bank::AccountEvent>>())
        });
        assert!(bank.bus.dispatch(Hang).now_or_never().is_none());
    });
    assert_eq!((told.len(), told[0].field("outcome")), (1, Some("dropped")));
}
