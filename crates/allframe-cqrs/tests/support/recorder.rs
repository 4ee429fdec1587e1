//! A recorder of metrics that keeps everything.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

/// What was told under one name with its labels: `name{label=value,..}`.
pub(crate) type Told<T> = Arc<Mutex<BTreeMap<String, T>>>;

/// A recorder that keeps everything.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    pub(crate) counters: Told<u64>,
    pub(crate) histograms: Told<Vec<f64>>,
    pub(crate) gauges: Told<f64>,
}

impl Kept {
    /// The counters, in the order of their names.
    pub(crate) fn counted(&self) -> Vec<(String, u64)> {
        self.counters.lock().unwrap().clone().into_iter().collect()
    }

    /// What each gauge shows.
    pub(crate) fn shown(&self) -> Vec<(String, f64)> {
        self.gauges.lock().unwrap().clone().into_iter().collect()
    }

    /// How often each histogram was told a value.
    pub(crate) fn measured(&self) -> Vec<(String, usize)> {
        let histograms = self.histograms.lock().unwrap();
        histograms.iter().map(|(name, values)| (name.clone(), values.len())).collect()
    }
}

struct One<T> {
    name: String,
    all: Told<T>,
}

impl CounterFn for One<u64> {
    fn increment(&self, value: u64) {
        *self.all.lock().unwrap().entry(self.name.clone()).or_default() += value;
    }

    fn absolute(&self, value: u64) {
        self.all.lock().unwrap().insert(self.name.clone(), value);
    }
}

impl GaugeFn for One<f64> {
    fn increment(&self, value: f64) {
        *self.all.lock().unwrap().entry(self.name.clone()).or_default() += value;
    }

    fn decrement(&self, value: f64) {
        self.increment(-value);
    }

    fn set(&self, value: f64) {
        self.all.lock().unwrap().insert(self.name.clone(), value);
    }
}

impl HistogramFn for One<Vec<f64>> {
    fn record(&self, value: f64) {
        self.all.lock().unwrap().entry(self.name.clone()).or_default().push(value);
    }
}

fn name_of(key: &Key) -> String {
    let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
    format!("{}{{{}}}", key.name(), labels.join(","))
}

impl Recorder for Kept {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(One { name: name_of(key), all: Arc::clone(&self.counters) }))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::new(One { name: name_of(key), all: Arc::clone(&self.gauges) }))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(One { name: name_of(key), all: Arc::clone(&self.histograms) }))
    }
}

/// Keeps what is told on this thread.
pub(crate) fn recorded(work: impl Future<Output = ()>) -> Kept {
    let kept = Kept::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    metrics::with_local_recorder(&kept, || runtime.block_on(work));
    kept
}

pub(crate) fn pairs<T: Copy>(pairs: &[(&str, T)]) -> Vec<(String, T)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}
