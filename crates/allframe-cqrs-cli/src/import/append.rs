use std::{collections::HashSet, time::Duration};

use eventstore_api::{
    AppendBatch, Appended, Encoding, EventStoreBackend, ExpectedVersion, GlobalPosition, InvalidInput,
    NewEvent, RecordedEvent, StoreError, StreamAppend, StreamId, StreamRange, Version,
};

use super::{batch::Line, lines::bad_line};
use crate::{failure::Failure, jsonl::json_text, store::Store};

/// Brings lines into a store, in their order.
pub(super) struct Appender {
    store: Store,
    /// Of the file, for messages.
    name: String,
    imported: u64,
    already_there: u64,
    /// The position of the last event that is known of: one at or before it is not new.
    head: GlobalPosition,
}

impl Appender {
    pub(super) async fn new(store: Store, name: String) -> Result<Self, Failure> {
        let head = store.head().await?;
        Ok(Self { store, name, imported: 0, already_there: 0, head })
    }

    pub(super) fn imported(&self) -> u64 {
        self.imported
    }

    pub(super) fn already_there(&self) -> u64 {
        self.already_there
    }

    /// How many lines are in the store now.
    pub(super) fn taken(&self) -> u64 {
        self.imported + self.already_there
    }

    /// Appends these lines, and makes them durable.
    ///
    /// The order of the lines becomes the order of the store. One append can name a stream only once, and puts a stream's
    /// events next to each other, so that a new one begins where a stream comes back after another. None of them is
    /// synced by itself, but all of them at the end: where lines of few streams alternate, a sync an append takes 8 times
    /// as long as one for a thousand lines, or more (`docs/eventstore-tool.md`).
    pub(super) async fn append(&mut self, lines: &[Line]) -> Result<(), Failure> {
        let mut rest = lines;
        while !rest.is_empty() {
            let (run, behind) = rest.split_at(run_length(rest));
            self.append_run(run).await?;
            rest = behind;
        }
        Ok(self.store.flush().await?)
    }

    async fn append_run(&mut self, run: &[Line]) -> Result<(), Failure> {
        match self.append_all(run).await {
            Ok(()) => Ok(()),
            // A part of it is there, from an import that was cut in other places, or from elsewhere: only each by itself is
            // known or not. And if one event is not legal, its line is named.
            Err(StoreError::InvalidInput(_)) => {
                for line in run {
                    self.append_one(line).await?;
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn append_one(&mut self, line: &Line) -> Result<(), Failure> {
        let refused = match self.append_all(std::slice::from_ref(line)).await {
            Ok(()) => return Ok(()),
            Err(StoreError::InvalidInput(refused)) => refused,
            Err(error) => return Err(error.into()),
        };
        if let InvalidInput::EventIdReused { version, .. } = &refused
            && self.differs_in_white_space_alone(line, *version).await?
        {
            self.already_there += 1;
            return Ok(());
        }
        Err(bad_line(&self.name, line.number, refused))
    }

    /// Whether what is stored is what this line would be if its JSON had not lost its white space on the way.
    async fn differs_in_white_space_alone(&self, line: &Line, version: Version) -> Result<bool, StoreError> {
        let range = StreamRange::before(version.next()).limit(1);
        let page = self.store.read_stream(&line.stream, range).await?;
        Ok(page.events.first().is_some_and(|stored| is_the_same_json(stored, &line.event)))
    }

    /// Appends lines of which each stream's stand together.
    async fn append_all(&mut self, run: &[Line]) -> Result<(), StoreError> {
        let batch = batch_of(run);
        let counts: Vec<u64> = batch.appends.iter().map(|append| append.events.len() as u64).collect();
        let outcomes = self.append_surely(batch).await?;
        let before = self.head;
        for (Appended { last_position, .. }, events) in outcomes.iter().zip(counts) {
            if *last_position <= before {
                self.already_there += events;
            } else {
                self.imported += events;
                self.head = self.head.max(*last_position);
            }
        }
        Ok(())
    }

    /// Appends, and again where it is not known what came of it: with the same ids, which stores nothing twice.
    async fn append_surely(&self, batch: AppendBatch) -> Result<Vec<Appended>, StoreError> {
        const PAUSES: [u64; 5] = [20, 100, 500, 1_000, 2_000];
        for milliseconds in PAUSES {
            match self.store.append_all(batch.clone()).await {
                Err(error) if error.is_retryable() => {
                    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                }
                answer => return answer,
            }
        }
        self.store.append_all(batch).await
    }
}

/// How many lines go by before a stream comes back after another.
fn run_length(lines: &[Line]) -> usize {
    let mut seen: HashSet<&StreamId> = HashSet::new();
    let mut last: Option<&StreamId> = None;
    for (length, Line { stream, .. }) in lines.iter().enumerate() {
        if last != Some(stream) && !seen.insert(stream) {
            return length;
        }
        last = Some(stream);
    }
    lines.len()
}

fn batch_of(run: &[Line]) -> AppendBatch {
    let mut batch = AppendBatch::new();
    for Line { stream, event, .. } in run {
        match batch.appends.last_mut() {
            Some(append) if append.stream == *stream => append.events.push(event.clone()),
            _ => batch.appends.push(StreamAppend {
                stream: stream.clone(),
                expected: ExpectedVersion::Any,
                events: vec![event.clone()],
            }),
        }
    }
    batch
}

fn is_the_same_json(stored: &RecordedEvent, event: &NewEvent) -> bool {
    let Some(json) = json_text::parse(&stored.payload) else { return false };
    let mut as_exported = stored.clone();
    as_exported.payload = json_text::compact(json).into();
    stored.encoding == Encoding::JSON && as_exported.same_content(event)
}

#[cfg(test)]
mod tests {
    use eventstore_api::EventType;

    use super::*;

    fn runs(streams: &str) -> Vec<String> {
        let line = |name: char| Line {
            number: 1,
            stream: StreamId::new(name.to_string()).unwrap(),
            event: NewEvent::new(EventType::new("T").unwrap(), ""),
        };
        let lines: Vec<Line> = streams.chars().map(line).collect();
        let mut runs = Vec::new();
        let mut rest = &lines[..];
        while !rest.is_empty() {
            let (run, behind) = rest.split_at(run_length(rest));
            runs.push(run.iter().map(|line| line.stream.as_str()).collect());
            assert!(batch_of(run).validate().is_ok());
            rest = behind;
        }
        runs
    }

    #[test]
    fn a_run_ends_where_a_stream_comes_back() {
        assert_eq!(runs("aaaa"), ["aaaa"]);
        assert_eq!(runs("aabbbc"), ["aabbbc"]);
        assert_eq!(runs("abab"), ["ab", "ab"]);
        assert_eq!(runs("abccbbaa"), ["abcc", "bbaa"]);
        assert!(runs("").is_empty());
    }
}
