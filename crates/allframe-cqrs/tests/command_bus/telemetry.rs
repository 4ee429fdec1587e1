//! What is told of dispatches to whoever listens: spans, and with the feature `metrics` counts and durations.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use allframe_cqrs::DispatchContext;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::bank::{Bank, Deposit, Withdraw};

/// Notes the fields of each span of the bus.
#[derive(Clone, Default)]
struct Spans {
    last: Arc<AtomicU64>,
    seen: Arc<Mutex<BTreeMap<u64, Fields>>>,
}

#[derive(Clone, Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("allframe_cqrs")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut fields = Fields::default();
        span.record(&mut fields);
        fields.0.insert("span", span.metadata().name().to_owned());
        self.seen.lock().unwrap().insert(id, fields);
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        if let Some(fields) = self.seen.lock().unwrap().get_mut(&span.into_u64()) {
            values.record(fields);
        }
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
    fn event(&self, _event: &Event<'_>) {}
    fn enter(&self, _span: &Id) {}
    fn exit(&self, _span: &Id) {}
}

/// Two deposits under one key, and a withdrawal of too much.
async fn three_dispatches(bank: &Bank) {
    for _ in 0..2 {
        let context = DispatchContext::new().with_correlation_id("order-17");
        let deposit = Deposit { account: 7, amount: 5 };
        bank.bus.dispatch_idempotent_with(context, deposit, "key-1").await.unwrap();
    }
    bank.bus.dispatch(Withdraw { account: 7, amount: 6 }).await.unwrap_err();
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work);
}

#[test]
fn each_dispatch_is_a_span_that_says_what_it_was_and_what_became_of_it() {
    let spans = Spans::default();
    tracing::subscriber::with_default(spans.clone(), || {
        run(async { three_dispatches(&Bank::new()).await });
    });
    let seen = spans.seen.lock().unwrap();
    let field = |name| seen.values().map(|fields| fields.0.get(name).map_or("", |it| it)).collect::<Vec<_>>();
    assert_eq!(field("span"), ["command"; 3]);
    assert_eq!(field("name"), ["Deposit", "Deposit", "Withdraw"]);
    assert_eq!(field("outcome"), ["ok", "repeated", "rejected"]);
    assert_eq!(field("correlation_id")[..2], ["order-17"; 2]);
    assert_eq!(field("idempotency_key"), ["key-1", "key-1", ""]);
    assert_eq!(field("attempts"), ["1", "1", ""]);
    assert_eq!(field("id").iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
}

#[cfg(feature = "metrics")]
#[test]
fn each_dispatch_is_counted_by_name_and_outcome_and_timed() {
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || run(async { three_dispatches(&Bank::new()).await }));
    let (mut counters, mut durations) = (BTreeMap::new(), BTreeMap::new());
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels: Vec<_> =
            key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{} {}", key.key().name(), labels.join(" "));
        match value {
            DebugValue::Counter(count) => drop(counters.insert(name, count)),
            DebugValue::Histogram(times) => drop(durations.insert(name, times)),
            DebugValue::Gauge(_) => {}
        }
    }
    let expected = [
        ("allframe_commands_total command=Deposit outcome=ok", 1),
        ("allframe_commands_total command=Deposit outcome=repeated", 1),
        ("allframe_commands_total command=Withdraw outcome=rejected", 1),
    ];
    assert_eq!(counters, expected.map(|(name, count)| (name.to_owned(), count)).into());
    let deposits = &durations["allframe_command_duration_seconds command=Deposit"];
    assert_eq!(deposits.len(), 2);
    assert!(deposits.iter().all(|seconds| (0.0..60.0).contains(&seconds.into_inner())), "{deposits:?}");
}
