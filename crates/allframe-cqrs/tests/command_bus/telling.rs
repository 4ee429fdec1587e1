//! What the span of a dispatch says, to a subscriber that keeps it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use allframe_cqrs::DispatchContext;
use futures_util::FutureExt;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::bank::{Bank, Deposit, Withdraw};

/// A span: its name, and what its fields were at the end.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    name: &'static str,
    fields: BTreeMap<&'static str, String>,
}

impl Told {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

/// Keeps the spans of this crate, on the thread it is set for.
#[derive(Clone, Default)]
struct Listener {
    next: Arc<AtomicU64>,
    spans: Arc<Mutex<BTreeMap<u64, Told>>>,
}

impl Listener {
    fn commands(&self) -> Vec<Told> {
        let spans = self.spans.lock().unwrap();
        spans.values().filter(|told| told.name == "command").cloned().collect()
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("allframe_cqrs")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut told = Told { name: span.metadata().name(), ..Told::default() };
        span.record(&mut told);
        self.spans.lock().unwrap().insert(id, told);
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        if let Some(told) = self.spans.lock().unwrap().get_mut(&span.into_u64()) {
            values.record(told);
        }
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
    fn event(&self, _event: &Event<'_>) {}
    fn enter(&self, _span: &Id) {}
    fn exit(&self, _span: &Id) {}
}

/// Listens to what is done on this thread.
fn listen(work: impl Future<Output = ()>) -> Vec<Told> {
    let listener = Listener::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    tracing::subscriber::with_default(listener.clone(), || runtime.block_on(work));
    listener.commands()
}

#[test]
fn the_span_of_a_command_says_which_it_was_what_it_belongs_to_and_what_became_of_it() {
    let context = DispatchContext::new().with_correlation_id("order-17");
    let id = context.id().to_string();
    let told = listen(async {
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
    let told = listen(async {
        let bank = Bank::with(|builder| {
            builder.function(|_: Hang| std::future::pending::<Vec<crate::bank::AccountEvent>>())
        });
        assert!(bank.bus.dispatch(Hang).now_or_never().is_none());
    });
    assert_eq!((told.len(), told[0].field("outcome")), (1, Some("dropped")));
}
