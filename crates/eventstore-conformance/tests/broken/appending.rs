//! Appends that go wrong.

use std::sync::atomic::Ordering;

use eventstore_api::{
    AppendBatch, AppendCondition, Appended, EventId, EventStoreBackend, ExpectedVersion, GlobalPosition,
    InvalidInput, NewEvent, ReadAll, RecordedEvent, Result, StoreError, StreamAppend, StreamId, Timestamp,
    Version,
};
use tokio::task::yield_now;

use super::{Broken, Fault};

impl Broken {
    pub(super) async fn restore_wrongly(&self, mut events: Vec<RecordedEvent>) -> Result<()> {
        match self.fault {
            Fault::RestoresAtTheTimeOfNow => {
                let now = Timestamp::now();
                events.iter_mut().for_each(|event| event.recorded_at = now);
                self.inner.restore(events).await
            }
            Fault::RestoresUnderNewIds => {
                events.iter_mut().for_each(|event| event.id = EventId::generate());
                self.inner.restore(events).await
            }
            Fault::TakesOldTimesForBackwards => {
                let last = Timestamp::default();
                match events.iter().find(|event| event.recorded_at < last) {
                    Some(RecordedEvent { position, recorded_at, .. }) => {
                        let (position, recorded_at) = (*position, *recorded_at);
                        Err(InvalidInput::TimeRunsBackwards { position, recorded_at, last }.into())
                    }
                    None => self.inner.restore(events).await,
                }
            }
            Fault::TakesWhatDoesNotFollow => {
                let _ = self.inner.restore(events).await;
                Ok(())
            }
            Fault::LosesAnEventOfADroppedRestore => {
                for event in events {
                    // What it has begun it takes for done.
                    if self.memory.begun.lock().unwrap().insert(event.position) {
                        yield_now().await;
                        self.inner.restore(vec![event]).await?;
                    }
                }
                Ok(())
            }
            Fault::RefusesAfterADroppedRestore => {
                if self.memory.locked.swap(true, Ordering::SeqCst) {
                    return Err(InvalidInput::StoredElsewhere.into());
                }
                yield_now().await;
                let answer = self.inner.restore(events).await;
                self.memory.locked.store(false, Ordering::SeqCst);
                answer
            }
            Fault::ChecksConditionsBehindACopyOnly => {
                let last = events.last().map(|event| event.position);
                self.inner.restore(events).await?;
                *self.memory.restored.lock().unwrap() = last.unwrap_or_default();
                Ok(())
            }
            Fault::KnowsARestoredIdInOneStreamOnly => {
                let homes = events.iter().map(|event| (event.id, event.stream.clone()));
                self.memory.homes.lock().unwrap().extend(homes);
                self.inner.restore(events).await
            }
            _ => self.inner.restore(events).await,
        }
    }

    pub(super) async fn append_wrongly(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        match self.fault {
            Fault::AppendsStreamByStream => self.stream_by_stream(batch, 0).await,
            Fault::YieldsInTheMiddleOfAnAppend => self.stream_by_stream(batch, 3).await,
            Fault::LosesAnEventOnConflict => self.losing_on_conflict(batch).await,
            Fault::AnswersAWrongActualVersion => match self.inner.append_all(batch).await {
                Err(StoreError::WrongExpectedVersion { stream, expected, actual }) => {
                    Err(StoreError::WrongExpectedVersion { stream, expected, actual: actual.next() })
                }
                answer => answer,
            },
            Fault::ChecksGuardsOnAStaleView => self.guarding_too_early(batch).await,
            Fault::ChecksTheGuardOfARetry => {
                self.check_guards(&batch).await?;
                self.inner.append_all(batch).await
            }
            Fault::IgnoresGuardsOnUnwrittenStreams => {
                let mut batch = batch;
                batch.guards.clear();
                self.inner.append_all(batch).await
            }
            Fault::ReversesABatch => {
                let mut batch = batch;
                batch.appends.iter_mut().for_each(|append| append.events.reverse());
                self.inner.append_all(batch).await
            }
            Fault::LetsALateEventIn => self.appearing_late(batch).await,
            Fault::StoresARetryTwice => self.under_new_ids(batch).await,
            Fault::ForgetsIdsOnReopen if self.memory.reopened.load(Ordering::Relaxed) => {
                self.under_new_ids(batch).await
            }
            Fault::AcceptsOtherContentUnderAnId => self.accepting_other_content(batch).await,
            Fault::TruncatesLargePayloads => self.inner.append_all(truncated(batch)).await,
            Fault::TrimsStreamIds => {
                let mut batch = batch;
                batch.appends.iter_mut().for_each(|append| append.stream = trimmed(&append.stream));
                self.inner.append_all(batch).await
            }
            Fault::PanicsOnBadInput => {
                batch.validate().expect("callers check their batches");
                self.inner.append_all(batch).await
            }
            Fault::CountsRefusedAppends => {
                let count = batch.event_count() as u64;
                let answer = self.inner.append_all(batch).await;
                if answer.is_err() {
                    self.memory.refused.fetch_add(count, Ordering::Relaxed);
                }
                answer
            }
            Fault::IgnoresTheCondition => {
                let mut batch = batch;
                batch.condition = None;
                self.inner.append_all(batch).await
            }
            Fault::ChecksTheConditionOnAStaleView => self.conditioned_too_early(batch).await,
            Fault::IgnoresTheConditionsPosition => {
                let mut batch = batch;
                batch.condition =
                    batch.condition.map(|condition| AppendCondition::none(condition.fail_if_events_match));
                self.inner.append_all(batch).await
            }
            Fault::StaysLockedWhenCancelled => self.locking(batch).await,
            Fault::ChecksConditionsBehindACopyOnly => {
                let mut batch = batch;
                let restored = *self.memory.restored.lock().unwrap();
                if let Some(condition) = &mut batch.condition {
                    condition.after = condition.after.max(restored);
                }
                self.inner.append_all(batch).await
            }
            Fault::KnowsARestoredIdInOneStreamOnly => {
                let batch = self.with_ids_known_once(batch);
                self.inner.append_all(batch).await
            }
            _ => self.inner.append_all(batch).await,
        }
    }

    async fn stream_by_stream(&self, batch: AppendBatch, yields: usize) -> Result<Vec<Appended>> {
        let mut outcomes = Vec::new();
        for append in batch.appends {
            let mut part = AppendBatch::single(append.stream, append.expected, append.events);
            part.guards.clone_from(&batch.guards);
            part.condition.clone_from(&batch.condition);
            outcomes.extend(self.inner.append_all(part).await?);
            for _ in 0..yields {
                yield_now().await;
            }
        }
        Ok(outcomes)
    }

    async fn losing_on_conflict(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let first = batch.appends.first().map(|append| append.events.len() as u64);
        match self.inner.append_all(batch).await {
            Err(StoreError::WrongExpectedVersion {
                stream,
                expected: ExpectedVersion::Exact(expected),
                ..
            }) => {
                let head = self.inner.stats().await?.head;
                let last = expected.plus(first.unwrap_or(1));
                Ok(vec![Appended::new(stream, (expected.next(), head), (last, head))])
            }
            answer => answer,
        }
    }

    async fn check_guards(&self, batch: &AppendBatch) -> Result<()> {
        let appends = batch.appends.iter().map(|append| (&append.stream, append.expected));
        let guards = batch.guards.iter().map(|guard| (&guard.stream, guard.expected));
        for (stream, expected) in appends.chain(guards) {
            let actual = Version::new(self.inner.get_events(stream).await?.len() as u64);
            if !expected.is_met_by(actual) {
                return Err(StoreError::WrongExpectedVersion { stream: stream.clone(), expected, actual });
            }
        }
        Ok(())
    }

    async fn guarding_too_early(&self, mut batch: AppendBatch) -> Result<Vec<Appended>> {
        self.check_guards(&batch).await?;
        yield_now().await;
        batch.appends.iter_mut().for_each(|append| append.expected = ExpectedVersion::Any);
        batch.guards.clear();
        self.inner.append_all(batch).await
    }

    async fn conditioned_too_early(&self, mut batch: AppendBatch) -> Result<Vec<Appended>> {
        if let Some(condition) = batch.condition.take() {
            let query = ReadAll::after(condition.after).filter(condition.fail_if_events_match);
            if let Some(found) = self.inner.read_all(&query).await?.events.last() {
                return Err(StoreError::ConditionFailed { at: found.position });
            }
        }
        yield_now().await;
        self.inner.append_all(batch).await
    }

    /// Like a sequence that gives out a position before the transaction commits.
    async fn appearing_late(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let outcomes = {
            let mut hidden = self.memory.hidden.lock().unwrap();
            let outcomes = futures_util::FutureExt::now_or_never(self.inner.append_all(batch))
                .expect("the reference backend never waits to append")?;
            hidden.extend(outcomes.iter().map(|outcome| outcome.first_position));
            outcomes
        };
        for _ in 0..5 {
            yield_now().await;
        }
        let mut hidden = self.memory.hidden.lock().unwrap();
        for outcome in &outcomes {
            hidden.remove(&outcome.first_position);
        }
        Ok(outcomes)
    }

    async fn under_new_ids(&self, mut batch: AppendBatch) -> Result<Vec<Appended>> {
        batch.validate()?;
        for event in batch.appends.iter_mut().flat_map(|append| &mut append.events) {
            let stored = EventId::generate();
            self.memory.aliases.lock().unwrap().insert(stored, event.id);
            event.id = stored;
        }
        self.inner.append_all(batch).await
    }

    /// With another id for each event whose own was restored in another stream.
    fn with_ids_known_once(&self, mut batch: AppendBatch) -> AppendBatch {
        let homes = self.memory.homes.lock().unwrap();
        for append in &mut batch.appends {
            for event in &mut append.events {
                if homes.get(&event.id).is_some_and(|home| *home != append.stream) {
                    event.id = EventId::generate();
                }
            }
        }
        batch
    }

    async fn accepting_other_content(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        match self.inner.append_all(batch).await {
            Err(StoreError::InvalidInput(InvalidInput::EventIdReused { stream, version, .. })) => {
                let head = GlobalPosition::new(1);
                Ok(vec![Appended::new(stream, (version, head), (version, head))])
            }
            answer => answer,
        }
    }

    async fn locking(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        while self.memory.locked.swap(true, Ordering::SeqCst) {
            yield_now().await;
        }
        yield_now().await;
        let answer = self.inner.append_all(batch).await;
        self.memory.locked.store(false, Ordering::SeqCst);
        answer
    }
}

fn truncated(mut batch: AppendBatch) -> AppendBatch {
    for event in batch.appends.iter_mut().flat_map(|append: &mut StreamAppend| &mut append.events) {
        event.payload.truncate(usize::from(u16::MAX));
    }
    batch
}

pub(super) fn trimmed(stream: &StreamId) -> StreamId {
    StreamId::try_from(stream.as_str().trim()).unwrap_or_else(|_| stream.clone())
}

pub(super) fn as_new(event: &RecordedEvent) -> NewEvent {
    NewEvent::new(event.event_type.clone(), event.payload.clone())
        .with_id(event.id)
        .with_schema_version(event.schema_version)
        .with_encoding(event.encoding)
        .with_metadata(event.metadata.clone())
        .with_tags(event.tags.clone())
}
