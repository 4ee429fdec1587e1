//! Where an import goes.

use std::{collections::HashSet, mem};

use async_trait::async_trait;
use eventstore_api::{AppendBatch, Appended, EventStoreBackend, Result, StreamAppend, StreamId};

use super::Store;

/// A store that is open for writing, and its quickest way to take many events in a given order.
#[async_trait(?Send)]
pub(crate) trait Target {
    fn store(&self) -> &Store;

    /// How much is best appended at a time. It becomes durable together.
    fn measure(&self) -> Measure;

    /// Appends these in their order, each stream as often as it comes, and adds an answer for each to `answers`. What is
    /// appended need not be durable before the store is flushed.
    ///
    /// # Errors
    ///
    /// A part of them from the beginning is stored then: those that have an answer, and perhaps more where the outcome is not known.
    /// Appending them again, with the same ids, stores nothing twice.
    async fn append_in_order(&self, appends: Vec<StreamAppend>, answers: &mut Vec<Appended>) -> Result<()>;
}

/// So many events, or so many bytes of lines or of payloads, whichever comes first.
#[derive(Clone, Copy)]
pub(crate) struct Measure {
    pub(crate) events: usize,
    pub(crate) bytes: u64,
}

impl Measure {
    /// For an import that tells nobody how far it is: a sync is worth more events there.
    pub(crate) fn unheard(self) -> Self {
        Self { events: self.events.max(10_000), bytes: self.bytes.max(8 << 20) }
    }
}

/// Any store: one append can name a stream only once, so a new one begins where a stream comes back.
pub(super) struct Runs(pub(super) Store);

#[async_trait(?Send)]
impl Target for Runs {
    fn store(&self) -> &Store {
        &self.0
    }

    fn measure(&self) -> Measure {
        Measure { events: 1_000, bytes: 1 << 20 }
    }

    async fn append_in_order(&self, appends: Vec<StreamAppend>, answers: &mut Vec<Appended>) -> Result<()> {
        for run in runs(appends) {
            let mut batch = AppendBatch::new();
            batch.appends = run;
            answers.extend(self.0.append_all(batch).await?);
        }
        Ok(())
    }
}

/// The same in lists in which no stream is twice, as few as keep the order.
fn runs(appends: Vec<StreamAppend>) -> Vec<Vec<StreamAppend>> {
    let mut seen: HashSet<StreamId> = HashSet::new();
    let (mut runs, mut run) = (Vec::new(), Vec::new());
    for append in appends {
        if !seen.insert(append.stream.clone()) {
            runs.push(mem::take(&mut run));
            seen.clear();
            seen.insert(append.stream.clone());
        }
        run.push(append);
    }
    if !run.is_empty() {
        runs.push(run);
    }
    runs
}

#[cfg(test)]
mod tests {
    use eventstore_api::{EventType, ExpectedVersion, NewEvent};

    use super::*;

    fn of(streams: &str) -> Vec<String> {
        let append = |name: char| StreamAppend {
            stream: StreamId::new(name.to_string()).unwrap(),
            expected: ExpectedVersion::Any,
            events: vec![NewEvent::new(EventType::new("T").unwrap(), "")],
        };
        let names = |run: Vec<StreamAppend>| run.iter().map(|append| append.stream.as_str()).collect();
        runs(streams.chars().map(append).collect()).into_iter().map(names).collect()
    }

    #[test]
    fn a_run_ends_where_a_stream_comes_back() {
        assert_eq!(of("abc"), ["abc"]);
        assert_eq!(of("abab"), ["ab", "ab"]);
        assert_eq!(of("abcba"), ["abc", "ba"]);
        assert_eq!(of("aaa"), ["a", "a", "a"]);
        assert!(of("").is_empty());
    }
}
