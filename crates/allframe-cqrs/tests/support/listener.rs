//! A subscriber to traces that keeps the spans.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// A span: its name, and what its fields were at the end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) name: &'static str,
    pub(crate) fields: BTreeMap<&'static str, String>,
}

impl Told {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
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
pub(crate) struct Listener {
    next: Arc<AtomicU64>,
    spans: Arc<Mutex<BTreeMap<u64, Told>>>,
}

impl Listener {
    fn named(&self, name: &str) -> Vec<Told> {
        let spans = self.spans.lock().unwrap();
        spans.values().filter(|told| told.name == name).cloned().collect()
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

/// Never told of anything. While there is one subscriber alone, tracing asks the thread that meets a span first whether it wants it; where
/// nobody listens on that thread, nobody is told of that span any more. With two, it asks both.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Listener::default()));

/// The spans of this name of what is done on this thread, in the order in which they begin.
pub(crate) fn listen(name: &str, work: impl Future<Output = ()>) -> Vec<Told> {
    LazyLock::force(&SECOND);
    let listener = Listener::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    tracing::subscriber::with_default(listener.clone(), || {
        // Another test may have met a span before, on a thread where nobody listens.
        tracing::callsite::rebuild_interest_cache();
        runtime.block_on(work);
    });
    listener.named(name)
}

#[test]
fn a_span_that_another_thread_has_met_meanwhile_is_told() {
    let meet = || drop(tracing::info_span!(target: "allframe_cqrs::listener", "met"));
    let told = listen("met", async {
        std::thread::spawn(meet).join().unwrap();
        meet();
    });
    assert_eq!(told.len(), 1);
}
