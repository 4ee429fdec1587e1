use std::fmt::Debug;

use eventstore_api::{
    AppendBatch, AppendCondition, Appended, Direction, EventFilter, EventId, EventStoreBackend,
    ExpectedVersion, GlobalPosition, NewEvent, ReadAll, RecordedEvent, Result as StoreResult, Snapshot,
    StoreError, StreamId, StreamRange, Subscription, Timestamp, Version, reexports::uuid::Uuid,
};

use super::operation::{Guard, Operation, Plan, stream_number, tag_names, type_name};
use crate::{
    AnyBackend, TestStore,
    events::{event_type, tags},
    model::{Model, Spacing},
    reading,
    sure::Sure,
};

/// A backend and the model side by side.
pub(crate) struct Explorer {
    store: TestStore,
    /// Its positions are 1, 2, 3, ...: the event at position `n` is `known[n - 1]` on the backend.
    model: Model,
    /// Every event of the backend, as it was first read.
    known: Vec<RecordedEvent>,
    /// Every batch tried so far, with the condition's position as backend and model have it.
    batches: Vec<(AppendBatch, AppendBatch)>,
    subscriptions: Vec<Listener<AnyBackend>>,
    ids: u128,
}

struct Listener<B> {
    subscription: Subscription<B>,
    filter: EventFilter,
    page_size: usize,
    /// The model's position up to which events were heard.
    heard: GlobalPosition,
}

/// What differs, in words.
type Difference = String;

impl Explorer {
    pub(crate) fn new(store: TestStore) -> Self {
        Self {
            store,
            model: Model::new(Spacing::Dense),
            known: Vec::new(),
            batches: Vec::new(),
            subscriptions: Vec::new(),
            ids: 0,
        }
    }

    /// Takes each step on both and compares.
    pub(crate) async fn run(mut self, operations: &[Operation]) -> Result<(), Difference> {
        for (number, operation) in operations.iter().enumerate() {
            let at = |difference| format!("step {}, {operation}: {difference}", number + 1);
            self = self.step(operation).await.map_err(at)?;
            self.learn().await.map_err(at)?;
            self.compare_counts().await.map_err(at)?;
        }
        Ok(())
    }

    async fn step(mut self, operation: &Operation) -> Result<Self, Difference> {
        match operation {
            Operation::Append(plan) => {
                let batches = self.batches_of(plan);
                self.append(batches).await?;
            }
            Operation::Retry { which } => {
                if let Some(batches) = self.earlier(*which) {
                    self.append(batches).await?;
                }
            }
            Operation::Reuse { which } => self.append_changed(*which, with_other_content).await?,
            Operation::Extend { which } => self.append_changed(*which, with_one_more).await?,
            Operation::Shorten { which } => self.append_changed(*which, without_the_last).await?,
            Operation::ReadStream { stream, from, limit, max_bytes, direction } => {
                let from = Version::new(*from);
                let mut range = match direction {
                    Direction::Forward => StreamRange::after(from),
                    Direction::Backward => StreamRange::before(from),
                };
                (range.limit, range.max_bytes) = (*limit, *max_bytes);
                self.read_stream(&stream_number(*stream), range).await?;
            }
            Operation::ReadAll { from, limit, max_bytes, direction, filter } => {
                let query = |position| {
                    let query = match direction {
                        Direction::Forward => ReadAll::after(position),
                        Direction::Backward => ReadAll::before(position),
                    };
                    query.limit(*limit).max_bytes(*max_bytes).filter(filter.to_filter())
                };
                self.read_all(*from, query).await?;
            }
            Operation::SaveSnapshot { stream, version } => {
                let payload = format!("state {}", self.ids);
                self.ids += 1;
                let state = event_type("State");
                let saved = Snapshot::new(stream_number(*stream), Version::new(*version), state, payload);
                same(
                    "saving",
                    &kind(&self.store.save_snapshot(saved.clone()).await),
                    &kind(&self.model.save_snapshot(saved)),
                )?;
                self.read_snapshot(&stream_number(*stream)).await?;
            }
            Operation::ReadSnapshot { stream } => self.read_snapshot(&stream_number(*stream)).await?,
            Operation::Subscribe { from, filter, page_size } => {
                let (on_backend, on_model) = self.place(*from);
                self.subscribe(on_backend, on_model, filter.to_filter(), *page_size);
            }
            Operation::Hear { which, at_most } => self.hear(*which, *at_most).await?,
            Operation::Flush => same("flushing", &kind(&self.store.flush().await), &"done".to_owned())?,
            Operation::Reopen => self = self.reopen().await,
        }
        Ok(self)
    }

    /// A planned batch as it reads on the backend and on the model.
    fn batches_of(&mut self, plan: &Plan) -> (AppendBatch, AppendBatch) {
        let mut batch = AppendBatch::new();
        for write in &plan.writes {
            let stream = stream_number(write.stream);
            let expected = self.expected(&stream, write.guard);
            let events = write
                .events
                .iter()
                .map(|happening| {
                    let id = self.next_id();
                    NewEvent::new(
                        event_type(type_name(happening.event_type)),
                        id.to_string().repeat(happening.length),
                    )
                    .with_id(id)
                    .with_tags(tags(&tag_names(happening.tags)))
                })
                .collect();
            batch = batch.append(stream, expected, events);
        }
        for (stream, guard) in &plan.guards {
            let stream = stream_number(*stream);
            let expected = self.expected(&stream, *guard);
            batch = batch.guard(stream, expected);
        }
        let Some((filter, after)) = &plan.condition else { return (batch.clone(), batch) };
        let (on_backend, on_model) = self.place(*after);
        let under = |after| batch.clone().condition(AppendCondition::none_after(filter.to_filter(), after));
        (under(on_backend), under(on_model))
    }

    fn expected(&self, stream: &StreamId, guard: Guard) -> ExpectedVersion {
        match guard {
            Guard::Any => ExpectedVersion::Any,
            Guard::NoStream => ExpectedVersion::NoStream,
            Guard::StreamExists => ExpectedVersion::StreamExists,
            Guard::Near(off) => ExpectedVersion::Exact(Version::new(
                self.model.version(stream).get().saturating_add_signed(off),
            )),
        }
    }

    fn next_id(&mut self) -> EventId {
        self.ids += 1;
        EventId::from_uuid(Uuid::from_u128(self.ids))
    }

    fn earlier(&self, which: usize) -> Option<(AppendBatch, AppendBatch)> {
        self.batches.get(which % self.batches.len().max(1)).cloned()
    }

    async fn append_changed(
        &mut self,
        which: usize,
        change: fn(&mut AppendBatch, EventId),
    ) -> Result<(), Difference> {
        let id = self.next_id();
        let Some((mut on_backend, mut on_model)) = self.earlier(which) else { return Ok(()) };
        change(&mut on_backend, id);
        change(&mut on_model, id);
        self.append((on_backend, on_model)).await
    }

    async fn append(&mut self, batches: (AppendBatch, AppendBatch)) -> Result<(), Difference> {
        let (on_backend, on_model) = batches.clone();
        self.batches.push(batches);
        let condition = on_backend.condition.clone();
        let answered = self.store.append_all(on_backend).await;
        let expected = self.model.append(&on_model, Timestamp::now());
        self.learn().await?;
        match (answered, expected) {
            (Ok(answered), Ok(expected)) => {
                let expected: Vec<Appended> =
                    expected.into_iter().map(|outcome| self.translated(outcome)).collect();
                same("the outcome", &answered, &expected)
            }
            (Err(StoreError::ConditionFailed { at }), Err(StoreError::ConditionFailed { .. })) => {
                let condition = condition.ok_or("a batch without condition failed at its condition")?;
                let named = self.known.iter().find(|event| event.position == at);
                match named.filter(|e| at > condition.after && condition.fail_if_events_match.matches(e)) {
                    Some(_) => Ok(()),
                    None => Err(format!("the condition failed at {at}, where no event is that it excludes")),
                }
            }
            (answered, expected) => same("the outcome", &kind(&answered), &kind(&expected)),
        }
    }

    /// A model's outcome with the backend's positions.
    fn translated(&self, outcome: Appended) -> Appended {
        let place = |position| self.known_at(position).position;
        let Appended { first_version, last_version, first_position, last_position, stream, .. } = outcome;
        Appended::new(stream, (first_version, place(first_position)), (last_version, place(last_position)))
    }

    fn known_at(&self, position: GlobalPosition) -> &RecordedEvent {
        &self.known[usize::try_from(position.get() - 1).expect("the model's positions count its events")]
    }

    /// The backend's events in place of the model's.
    fn as_known(&self, events: &[RecordedEvent]) -> Vec<RecordedEvent> {
        events.iter().map(|event| self.known_at(event.position).clone()).collect()
    }

    /// Reads what is new on the backend, which must be what is new on the model.
    async fn learn(&mut self) -> Result<(), Difference> {
        let after = self.known.last().map_or(GlobalPosition::START, |event| event.position);
        let news = reading::every(&*self.store, ReadAll::after(after)).await;
        let expected = &self.model.events()[self.known.len()..];
        if news.len() != expected.len() {
            let (news, expected) = (reading::outline(&news), reading::outline(expected));
            return Err(format!("new on the backend is {news}, and should be {expected}"));
        }
        for (new, expected) in news.into_iter().zip(expected) {
            let mut as_expected = expected.clone();
            as_expected.position = new.position;
            as_expected.recorded_at = new.recorded_at;
            same("an event", &new, &as_expected)?;
            self.known.push(new);
        }
        if self.known.is_sorted_by_key(|event| event.recorded_at) {
            return Ok(());
        }
        Err("recorded_at ran backwards".to_owned())
    }

    async fn compare_counts(&self) -> Result<(), Difference> {
        let mut expected = self.model.stats();
        expected.head = self.known.last().map_or(GlobalPosition::START, |event| event.position);
        same("stats", &self.store.counts().await, &expected)
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<(), Difference> {
        let read = reading::range(&*self.store, stream, range).await;
        same("what was read", &read, &self.as_known(&self.model.read_stream(stream, range)))
    }

    async fn read_all(
        &self,
        from: usize,
        query: impl Fn(GlobalPosition) -> ReadAll,
    ) -> Result<(), Difference> {
        let (on_backend, on_model) = self.place(from);
        let read = reading::every(&*self.store, query(on_backend)).await;
        same("what was read", &read, &self.as_known(&self.model.read_all(&query(on_model))))
    }

    /// The position of the event of this number, on the backend and on the model: 0 is before the first event, and where
    /// there are fewer events, it is beyond the last.
    fn place(&self, number: usize) -> (GlobalPosition, GlobalPosition) {
        match number.checked_sub(1) {
            None => (GlobalPosition::START, GlobalPosition::START),
            Some(index) => match self.known.get(index) {
                Some(event) => (event.position, GlobalPosition::new(number as u64)),
                None => (GlobalPosition::END, GlobalPosition::END),
            },
        }
    }

    async fn read_snapshot(&self, stream: &StreamId) -> Result<(), Difference> {
        let read = self.store.get_latest_snapshot(stream).await.map_err(|error| format!("{error:?}"))?;
        same("the snapshot", &read.as_ref(), &self.model.latest_snapshot(stream))
    }

    fn subscribe(
        &mut self,
        on_backend: GlobalPosition,
        heard: GlobalPosition,
        filter: EventFilter,
        page_size: usize,
    ) {
        let subscription = Subscription::new(self.store.backend(), on_backend, filter.clone());
        let subscription = subscription.with_page_size(page_size);
        self.subscriptions.push(Listener { subscription, filter, page_size, heard });
    }

    async fn hear(&mut self, which: usize, at_most: usize) -> Result<(), Difference> {
        let which = which % self.subscriptions.len().max(1);
        for _ in 0..at_most {
            let Some(listener) = self.subscriptions.get_mut(which) else { return Ok(()) };
            let query = ReadAll::after(listener.heard).filter(listener.filter.clone());
            let next = self.model.read_all(&query).into_iter().next();
            let heard = listener.subscription.next_stored().await.map_err(|error| format!("{error:?}"))?;
            if let Some(next) = &next {
                listener.heard = next.position;
            }
            let expected = next.map(|event| self.known_at(event.position).clone());
            same("what was heard", &heard, &expected)?;
        }
        Ok(())
    }

    async fn reopen(self) -> Self {
        let Self { store, model, known, batches, subscriptions, ids } = self;
        let resume: Vec<_> = subscriptions
            .into_iter()
            .map(|listener| {
                (listener.subscription.position(), listener.heard, listener.filter, listener.page_size)
            })
            .collect();
        let store = store.reopen().await;
        let mut reopened = Self { store, model, known, batches, subscriptions: Vec::new(), ids };
        for (position, heard, filter, page_size) in resume {
            reopened.subscribe(position, heard, filter, page_size);
        }
        // All of it is read anew: what was there must be there still.
        let all = reading::everything(&*reopened.store).await;
        assert!(
            all == reopened.known,
            "reopening changed {} into {}",
            reading::outline(&reopened.known),
            reading::outline(&all)
        );
        reopened
    }
}

fn with_other_content(batch: &mut AppendBatch, _id: EventId) {
    for event in batch.appends.iter_mut().flat_map(|append| &mut append.events) {
        event.payload = "other content".into();
    }
}

fn with_one_more(batch: &mut AppendBatch, id: EventId) {
    batch.appends[0].events.push(NewEvent::new(event_type("Added"), "").with_id(id));
}

fn without_the_last(batch: &mut AppendBatch, _id: EventId) {
    if batch.appends[0].events.len() > 1 {
        batch.appends[0].events.pop();
    }
}

fn same<T: PartialEq + Debug>(what: &str, backend: &T, model: &T) -> Result<(), Difference> {
    if backend == model {
        return Ok(());
    }
    Err(format!("{what} should be\n  {model:?}\nand is\n  {backend:?}"))
}

/// What kind of answer it is, with all that every backend must say alike.
fn kind<T: Debug>(answer: &StoreResult<T>) -> String {
    match answer {
        Ok(_) => "done".to_owned(),
        Err(error @ StoreError::WrongExpectedVersion { .. }) => format!("{error:?}"),
        Err(StoreError::ConditionFailed { .. }) => "condition failed".to_owned(),
        Err(StoreError::InvalidInput(_)) => "invalid input".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}
