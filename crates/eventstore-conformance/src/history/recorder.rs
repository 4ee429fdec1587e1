use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use eventstore_api::{
    AppendBatch, AppendCondition, EventFilter, EventId, EventStoreBackend, EventType, ExpectedVersion,
    GlobalPosition, NewEvent, ReadAll, StoreError, StreamId, StreamRange, Tag, Tags, Version,
};

use super::{Action, Attempt, History, LoggedEvent, Operation, Outcome, TagCondition, Write};
use crate::{race::all_at_once, reading};

/// How many streams and tags the tasks share: few, so that they get in each other's way.
const STREAMS: usize = 6;
const TAGS: usize = 3;

/// Lets many tasks append and read for so many operations altogether, and records what they were answered. The store is
/// empty when it begins; the seed says which operations are tried.
///
/// The backend may fail meanwhile, as one does whose disk or connection is gone. An append that is answered
/// [`StoreError::OutcomeUnknown`] is recorded as [`Outcome::Unknown`]; what is answered [`StoreError::Unavailable`] or
/// [`StoreError::Closed`] is not recorded, as it did nothing. The log is read in the end, from this backend: put what
/// [`read_log`] finds after a restart in its place to check that instead.
///
/// # Panics
///
/// When the backend answers what no operation here deserves, such as [`StoreError::Storage`].
pub async fn record<B: EventStoreBackend>(
    backend: Arc<B>,
    tasks: usize,
    operations: usize,
    seed: u64,
) -> History {
    let clock = Arc::new(AtomicU64::new(0));
    let streams = names("stream", StreamId::new, STREAMS);
    let tags = names("tag:", Tag::new, TAGS);
    let recorded = all_at_once((0..tasks).map(|number| {
        let task = Task {
            backend: Arc::clone(&backend),
            clock: Arc::clone(&clock),
            dice: Dice::new(seed, number),
            last_versions: vec![Version::NONE; STREAMS],
            last_tagged: vec![GlobalPosition::START; TAGS],
            streams: streams.clone(),
            tags: tags.clone(),
            earlier: None,
            recorded: Vec::with_capacity(operations / tasks),
        };
        task.run(operations / tasks)
    }))
    .await;
    History { operations: recorded.into_iter().flatten().collect(), log: read_log(&*backend).await }
}

fn names<T, E: std::fmt::Debug>(
    prefix: &str,
    new: impl Fn(String) -> Result<T, E>,
    count: usize,
) -> Arc<[T]> {
    (0..count).map(|number| new(format!("{prefix}{number}")).expect("a legal name")).collect()
}

/// Every event of a store, in the order of positions.
///
/// # Panics
///
/// When it cannot be read.
pub async fn read_log<B: EventStoreBackend + ?Sized>(backend: &B) -> Vec<LoggedEvent> {
    let mut log = Vec::new();
    let mut query = ReadAll::forward().limit(4_096);
    loop {
        let page = backend.read_all(&query).await.expect("all events can be read");
        reading::assert_sound(&query, &page);
        query = query.next_page(&page);
        log.extend(page.events.into_iter().map(LoggedEvent::from));
        if page.end_reached {
            return log;
        }
    }
}

/// One of the tasks: it knows what it was answered, and not what the others were.
struct Task<B> {
    backend: Arc<B>,
    clock: Arc<AtomicU64>,
    dice: Dice,
    streams: Arc<[StreamId]>,
    tags: Arc<[Tag]>,
    last_versions: Vec<Version>,
    last_tagged: Vec<GlobalPosition>,
    /// A batch appended earlier, to be appended again.
    earlier: Option<(AppendBatch, Attempt)>,
    recorded: Vec<Operation>,
}

impl<B: EventStoreBackend> Task<B> {
    async fn run(mut self, operations: usize) -> Vec<Operation> {
        for _ in 0..operations {
            match self.dice.below(20) {
                0..=1 => self.read_version().await,
                2 => self.read_head().await,
                3 if self.earlier.is_some() => {
                    if let Some((batch, attempt)) = self.earlier.take() {
                        self.append(batch, attempt).await;
                    }
                }
                _ => {
                    let (batch, attempt) = self.new_batch();
                    if self.dice.below(8) == 0 {
                        self.earlier = Some((batch.clone(), attempt.clone()));
                    }
                    self.append(batch, attempt).await;
                }
            }
            if self.dice.below(16) == 0 {
                tokio::task::yield_now().await;
            }
        }
        self.recorded
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn note(&mut self, invoked: u64, action: Action) {
        let responded = self.now();
        self.recorded.push(Operation { invoked, responded, action });
    }

    async fn read_version(&mut self) {
        let number = self.dice.below(STREAMS);
        let stream = self.streams[number].clone();
        let invoked = self.now();
        let last = self.backend.read_stream(&stream, StreamRange::backward().limit(1)).await;
        let Some(last) = unless_gone(last) else { return };
        let version = last.events.first().map_or(Version::NONE, |event| event.version);
        self.note(invoked, Action::ReadVersion { stream, version });
        self.last_versions[number] = version;
    }

    async fn read_head(&mut self) {
        let invoked = self.now();
        let last = self.backend.read_all(&ReadAll::backward().limit(1)).await;
        let Some(page) = unless_gone(last) else { return };
        let head = page.events.first().map_or(GlobalPosition::START, |event| event.position);
        self.note(invoked, Action::ReadHead { head });
    }

    /// A batch to one stream or two, under all kinds of guards, some of them on a further stream, some under a condition.
    fn new_batch(&mut self) -> (AppendBatch, Attempt) {
        let first = self.dice.below(STREAMS);
        let second = (first + 1 + self.dice.below(STREAMS - 1)) % STREAMS;
        let mut batch = AppendBatch::new();
        let mut attempt = Attempt::new(Vec::new(), Outcome::Unknown);
        let written = if self.dice.below(4) == 0 { vec![first, second] } else { vec![first] };
        for &number in &written {
            let (stream, expected) = (self.streams[number].clone(), self.guard(number));
            let tag =
                (self.dice.below(3) == 0).then(|| self.dice.below(TAGS)).map(|tag| self.tags[tag].clone());
            let count = if self.dice.below(6) == 0 { 3 } else { 1 };
            let events: Vec<NewEvent> = (0..count).map(|_| event(tag.clone())).collect();
            let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
            attempt.writes.push(Write { stream: stream.clone(), expected, ids, tag });
            batch = batch.append(stream, expected, events);
        }
        if written.len() == 1 && self.dice.below(6) == 0 {
            let (stream, expected) = (self.streams[second].clone(), self.guard(second));
            attempt.guards.push((stream.clone(), expected));
            batch = batch.guard(stream, expected);
        }
        if self.dice.below(5) == 0 {
            let number = self.dice.below(TAGS);
            let (tag, after) = (self.tags[number].clone(), self.last_tagged[number]);
            let filter = EventFilter::tagged(Tags::new([tag.clone()]).expect("one tag is not too many"));
            batch = batch.condition(AppendCondition::none_after(filter, after));
            attempt.condition = Some(TagCondition { tag, after });
        }
        (batch, attempt)
    }

    fn guard(&mut self, number: usize) -> ExpectedVersion {
        match self.dice.below(16) {
            0 => ExpectedVersion::NoStream,
            1 => ExpectedVersion::StreamExists,
            2..=6 => ExpectedVersion::Any,
            _ => ExpectedVersion::Exact(self.last_versions[number]),
        }
    }

    async fn append(&mut self, batch: AppendBatch, mut attempt: Attempt) {
        let invoked = self.now();
        attempt.outcome = match self.backend.append_all(batch).await {
            Ok(outcomes) => Outcome::Stored(outcomes),
            Err(StoreError::OutcomeUnknown { .. }) => Outcome::Unknown,
            Err(error) if is_gone(&error) => return,
            Err(StoreError::WrongExpectedVersion { stream, actual, .. }) => {
                Outcome::WrongExpectedVersion { stream, actual }
            }
            Err(StoreError::ConditionFailed { at }) => Outcome::ConditionFailed { at },
            Err(error) => panic!("an append was answered with {error:?}"),
        };
        self.learn(&attempt);
        self.note(invoked, Action::Append(attempt));
    }

    /// Remembers what the answer says about streams and tags.
    fn learn(&mut self, attempt: &Attempt) {
        match &attempt.outcome {
            Outcome::Stored(outcomes) => {
                for (write, outcome) in attempt.writes.iter().zip(outcomes) {
                    self.learn_version(&write.stream, outcome.last_version);
                    if let Some(tag) = &write.tag {
                        self.learn_tagged(tag, outcome.last_position);
                    }
                }
            }
            Outcome::Unknown => {}
            Outcome::WrongExpectedVersion { stream, actual } => self.learn_version(stream, *actual),
            Outcome::ConditionFailed { at } => {
                if let Some(condition) = &attempt.condition {
                    self.learn_tagged(&condition.tag, *at);
                }
            }
        }
    }

    fn learn_version(&mut self, stream: &StreamId, version: Version) {
        if let Some(number) = self.streams.iter().position(|known| known == stream) {
            self.last_versions[number] = version;
        }
    }

    fn learn_tagged(&mut self, tag: &Tag, position: GlobalPosition) {
        if let Some(number) = self.tags.iter().position(|known| known == tag) {
            self.last_tagged[number] = self.last_tagged[number].max(position);
        }
    }
}

/// Whether a store says that it did nothing, because it cannot do anything for now.
fn is_gone(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable { .. } | StoreError::Closed)
}

fn unless_gone<T>(answer: eventstore_api::Result<T>) -> Option<T> {
    match answer {
        Ok(read) => Some(read),
        Err(error) if is_gone(&error) => None,
        Err(error) => panic!("a read was answered with {error:?}"),
    }
}

fn event(tag: Option<Tag>) -> NewEvent {
    let happened = EventType::new("Happened").expect("a legal event type");
    NewEvent::new(happened, "").with_tags(Tags::new(tag).expect("one tag is not too many"))
}

/// A small random number generator (xorshift64*), so that a seed brings back the same choices.
struct Dice(u64);

impl Dice {
    fn new(seed: u64, task: usize) -> Self {
        let mut dice = Self((seed ^ (task as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).max(1));
        // The first few numbers of similar seeds are similar.
        for _ in 0..8 {
            dice.below(2);
        }
        dice
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).expect("31 bits fit") % limit
    }
}
