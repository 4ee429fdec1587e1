//! The task that gives sagas to drivers: those of this process when they are due, those of nobody, and those of processes that
//! have died.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    future::pending,
    sync::Arc,
    time::Duration,
};

use eventstore_api::{EventStoreBackend, RecordedEvent, StreamId, Subscription, Timestamp};
use tokio::sync::mpsc;

use super::{
    SagaError, SagaId,
    drive::Left,
    index::{Change, Index, Look, Open},
    lease::{WORKER_NOTE, WorkerNote},
    shared::{Finished, Message, Shared},
    snapshot::KeptIndex,
};
use crate::{Backoff, clock::after};

/// Between attempts to go on where the store does not answer.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(10)).with_jitter();

/// After how many events of the index it is kept again.
const EVENTS_PER_SNAPSHOT: u64 = 50_000;

pub(super) struct Worker {
    shared: Arc<Shared>,
    feed: Subscription<Arc<dyn EventStoreBackend>>,
    messages: mpsc::UnboundedReceiver<Message>,
    index: Index,
    /// When to look at which saga.
    agenda: BTreeSet<(Timestamp, StreamId)>,
    /// Where each of them stands in the agenda.
    looks: HashMap<StreamId, Timestamp>,
    /// When signs of life of other processes were seen, by this clock.
    others: HashMap<String, Duration>,
    /// Who has said that it ends.
    ended: HashSet<String>,
    begun: Duration,
    /// When everything that was stored had been read, by this clock: nobody is silent who has not been listened to since.
    read_up_to: Duration,
    /// Sagas that wait for others, by what they wait for, and the other way round.
    awaited: HashMap<StreamId, BTreeSet<StreamId>>,
    awaits: HashMap<StreamId, Vec<StreamId>>,
    /// How often in a row a saga could not be driven.
    failures: HashMap<StreamId, u32>,
    kept: KeptIndex,
    since_kept: u64,
}

impl Worker {
    pub(super) async fn new(
        shared: Arc<Shared>,
        messages: mpsc::UnboundedReceiver<Message>,
    ) -> Result<Self, SagaError> {
        let backend = Arc::clone(shared.engine.log.backend());
        let kept = KeptIndex::new(Arc::clone(&backend))?;
        let (mut index, position) = kept.load().await?;
        shared.engine.definitions.keys().for_each(|saga| index.expect(saga));
        let feed = Subscription::new(Arc::new(backend), position, Index::filter()?);
        let mut this = Self {
            shared,
            feed,
            messages,
            index,
            agenda: BTreeSet::new(),
            looks: HashMap::new(),
            others: HashMap::new(),
            ended: HashSet::new(),
            begun: Duration::ZERO,
            read_up_to: Duration::ZERO,
            awaited: HashMap::new(),
            awaits: HashMap::new(),
            failures: HashMap::new(),
            kept,
            since_kept: 0,
        };
        this.catch_up().await?;
        // From now on their signs are heard.
        this.begun = this.shared.engine.clock.elapsed();
        this.read_up_to = this.begun;
        let streams: Vec<_> = this.index.open().map(|(stream, _)| stream.clone()).collect();
        streams.iter().for_each(|stream| this.note(stream));
        Ok(this)
    }

    /// Reads what is stored already. What processes said of themselves then says nothing of whether they live now.
    async fn catch_up(&mut self) -> Result<(), SagaError> {
        while let Some(record) = self.feed.next_stored().await.map_err(crate::Error::from)? {
            if record.event_type.as_str() != WORKER_NOTE {
                self.see(&record);
            } else if let Some(WorkerNote::Left { worker }) = note_of(&record) {
                self.since_kept += 1;
                self.ended.insert(worker);
            }
        }
        self.keep_if_due().await;
        Ok(())
    }

    pub(super) async fn run(mut self) {
        let mut failures = 0;
        // Before then the store is not asked again, which did not answer.
        let mut read_at = Timestamp::from_micros(0);
        let shared = Arc::clone(&self.shared);
        let (engine, clock) = (Arc::clone(&shared.engine), Arc::clone(&shared.engine.clock));
        let mut beats = Box::pin(engine.lease.keep(&engine.log));
        loop {
            if self.takes_over_next() {
                // One that was silent may have been so to a process that slept itself, or could not read.
                self.see_stored().await;
            }
            self.drive_due();
            engine.telemetry.open(self.index.counts());
            let next = self.next_look();
            let look = async {
                match next {
                    Some(moment) => clock.sleep_until(moment).await,
                    None => pending().await,
                }
            };
            let is_driving = shared.is_driving();
            let read = async {
                clock.sleep_until(read_at).await;
                self.feed.next().await
            };
            tokio::select! {
                biased;
                () = shared.closing() => break,
                // They are given while there is something to be given for, and go on where they were.
                () = &mut beats, if is_driving => {}
                Some(message) = self.messages.recv() => self.receive(message),
                record = read => match record {
                    Ok(record) => {
                        failures = 0;
                        self.see(&record);
                        self.see_stored().await;
                        self.keep_if_due().await;
                    }
                    Err(error) => {
                        failures += 1;
                        tracing::warn!(%error, failures, "the events of sagas cannot be read");
                        read_at = after(clock.now(), BACKOFF.wait_after(failures));
                    }
                },
                () = look => {}
            }
        }
        // Whoever drives ends with what it is at, and is not taken for dead meanwhile.
        tokio::select! {
            () = shared.drivers_end() => {}
            () = beats => {}
        }
        while let Ok(message) = self.messages.try_recv() {
            self.receive(message);
        }
        if let Err(error) = engine.lease.leave(&engine.log).await {
            tracing::warn!(%error, "others wait out the lease of this process, for it could not take its leave");
        }
        self.keep().await;
    }

    /// What is there already is taken in before anything is done about it: much of it may be over.
    async fn see_stored(&mut self) {
        for _ in 0..4_096 {
            match self.feed.next_stored().await {
                Ok(Some(record)) => self.see(&record),
                Ok(None) => {
                    self.read_up_to = self.shared.engine.clock.elapsed();
                    break;
                }
                Err(error) => {
                    tracing::warn!(%error, "the events of sagas cannot be read");
                    break;
                }
            }
        }
        self.index.forget_gone(self.feed.position());
    }

    fn see(&mut self, record: &RecordedEvent) {
        if record.event_type.as_str() == WORKER_NOTE {
            self.hear(record);
        } else if let Err(error) = self.take_in(record) {
            // Its saga is not driven from here any more than by any program that cannot read it.
            tracing::error!(%error, "an event of a saga cannot be read");
        }
    }

    fn take_in(&mut self, record: &RecordedEvent) -> Result<(), SagaError> {
        let Some(saga) = SagaId::of_stream(&record.stream) else { return Ok(()) };
        let event = self.shared.engine.log.read(record)?;
        self.since_kept += 1;
        match self.index.apply(&record.stream, record.version, &event, self.shared.engine.clock.now()) {
            Change::Open => {
                self.shared.nudge(&record.stream, record.version);
                self.note(&record.stream);
            }
            Change::Over => {
                self.shared.nudge(&record.stream, record.version);
                self.over(&record.stream);
            }
            Change::Nothing => {}
        }
        if matches!(event, super::SagaEvent::Parked { .. }) {
            self.shared.tell(saga.stream());
        }
        Ok(())
    }

    /// A sign of life of another process, or of its end.
    fn hear(&mut self, record: &RecordedEvent) {
        match note_of(record) {
            Some(WorkerNote::Alive { worker }) if worker != self.shared.engine.worker.as_str() => {
                self.others.insert(worker, self.shared.engine.clock.elapsed());
            }
            Some(WorkerNote::Left { worker }) => {
                let streams: Vec<_> = self.index.streams_of(&worker).cloned().collect();
                self.others.remove(&worker);
                self.ended.insert(worker);
                streams.iter().for_each(|stream| self.note(stream));
            }
            _ => {}
        }
    }

    /// Writes into the agenda when to look at a saga.
    fn note(&mut self, stream: &StreamId) {
        let now = self.shared.engine.clock.now();
        let look = self.index.get(stream).and_then(|open| self.look_at(stream, open, now));
        let known = match look {
            Some(look) => self.looks.insert(stream.clone(), look),
            None => self.looks.remove(stream),
        };
        if let Some(known) = known {
            self.agenda.remove(&(known, stream.clone()));
        }
        if let Some(look) = look {
            self.agenda.insert((look, stream.clone()));
        }
    }

    /// When there may be something to do; `None` where never as far as is known.
    fn look_at(&self, stream: &StreamId, open: &Open, now: Timestamp) -> Option<Timestamp> {
        let is_ours = SagaId::of_stream(stream)
            .is_some_and(|saga| self.shared.engine.definitions.contains_key(saga.saga()));
        let due = open.due().filter(|_| is_ours)?;
        let Some(worker) = &open.worker else { return Some(due) };
        let engine = &self.shared.engine;
        if worker == engine.worker.as_str() || engine.worker.succeeds(worker) || self.ended.contains(worker) {
            return Some(due);
        }
        // It has the time of a lease from when it was last heard of, and from when it should have been.
        let heard = self.others.get(worker).copied().unwrap_or(self.begun);
        let silent = self.read_up_to.saturating_sub(heard);
        let lease_ends = after(now, engine.lease.time.saturating_sub(silent));
        Some(lease_ends.max(after(due, engine.lease.time)))
    }

    /// Whether the next saga to be driven is that of another process, as far as is known.
    fn takes_over_next(&self) -> bool {
        let Some((moment, stream)) = self.agenda.first() else { return false };
        let engine = &self.shared.engine;
        *moment <= engine.clock.now()
            && self.shared.has_room()
            && self
                .index
                .get(stream)
                .and_then(|open| open.worker.as_deref())
                .is_some_and(|worker| worker != engine.worker.as_str())
    }

    fn next_look(&self) -> Option<Timestamp> {
        let (moment, _) = self.agenda.first()?;
        // Where nobody is free, there is nothing to be done but to wait until somebody is.
        self.shared.has_room().then_some(*moment)
    }

    /// Gives those that are due to drivers, as long as there are free ones.
    fn drive_due(&mut self) {
        let now = self.shared.engine.clock.now();
        while let Some((moment, stream)) = self.agenda.first().cloned() {
            if moment > now {
                return;
            }
            if self.shared.is_driven(&stream) {
                self.unnote(&stream);
                continue;
            }
            let Some(open) = self.index.get(&stream) else {
                self.unnote(&stream);
                continue;
            };
            match self.look_at(&stream, open, now) {
                Some(look) if look <= now => {
                    if !self.shared.try_drive(&stream, open.worker.as_deref()) {
                        return;
                    }
                    self.unnote(&stream);
                }
                _ => self.note(&stream),
            }
        }
    }

    fn unnote(&mut self, stream: &StreamId) {
        if let Some(known) = self.looks.remove(stream) {
            self.agenda.remove(&(known, stream.clone()));
        }
    }

    fn receive(&mut self, message: Message) {
        match message {
            Message::Finished(finished) => self.finish(finished),
            Message::Awaits { stream, others } => {
                if self.await_others(&stream, others) {
                    self.shared.poke(&stream);
                }
            }
        }
    }

    /// Notes what a saga waits for. Answers whether it was not known to wait for one of them: that one may have ended before it was
    /// waited for, so that the saga has to be looked at once more.
    fn await_others(&mut self, stream: &StreamId, others: Vec<StreamId>) -> bool {
        let known = self.awaits.get(stream);
        let is_new = others.iter().any(|other| known.is_none_or(|known| !known.contains(other)));
        self.no_longer_awaits(stream);
        for other in &others {
            self.awaited.entry(other.clone()).or_default().insert(stream.clone());
        }
        self.awaits.insert(stream.clone(), others);
        is_new
    }

    fn no_longer_awaits(&mut self, stream: &StreamId) {
        for other in self.awaits.remove(stream).unwrap_or_default() {
            if let Some(waiting) = self.awaited.get_mut(&other) {
                waiting.remove(stream);
                if waiting.is_empty() {
                    self.awaited.remove(&other);
                }
            }
        }
    }

    /// What has become of one that was driven here.
    fn finish(&mut self, finished: Finished) {
        let Finished { stream, version, position, worker, deadline, left } = finished;
        if !matches!(&left, Ok(Left::Waiting { others, .. }) if !others.is_empty()) {
            self.no_longer_awaits(&stream);
        }
        let now = self.shared.engine.clock.now();
        let deadline = deadline.map(Timestamp::as_micros);
        let look = match left {
            Err(error) => return self.try_again(stream, &error),
            Ok(Left::Over) => {
                self.index.over(&stream, version, position);
                self.over(&stream);
                return;
            }
            Ok(Left::Not) => None,
            Ok(Left::Parked) => Some(Look::OnPerson),
            Ok(Left::Lost) => Some(Look::At(now.as_micros())),
            Ok(Left::Waiting { until, others }) if others.is_empty() => {
                Some(until.map_or(Look::OnOthers(None), |moment| Look::At(moment.as_micros())))
            }
            Ok(Left::Waiting { until, others }) => match self.await_others(&stream, others) {
                true => Some(Look::Now),
                false => Some(Look::OnOthers(until.map(Timestamp::as_micros))),
            },
        };
        self.failures.remove(&stream);
        if let Some(look) = look {
            self.index.note(&stream, version, Open { worker, look, deadline });
        }
        self.note(&stream);
    }

    fn try_again(&mut self, stream: StreamId, error: &SagaError) {
        let failures = self.failures.entry(stream.clone()).or_default();
        *failures += 1;
        tracing::warn!(%error, failures, saga = %stream, "a saga cannot be driven for now");
        let until = after(self.shared.engine.clock.now(), BACKOFF.wait_after(*failures));
        self.unnote(&stream);
        self.looks.insert(stream.clone(), until);
        self.agenda.insert((until, stream));
    }

    /// Whoever waits for a saga that is over goes on.
    fn over(&mut self, stream: &StreamId) {
        self.unnote(stream);
        self.failures.remove(stream);
        self.no_longer_awaits(stream);
        self.shared.tell(stream);
        let now = self.shared.engine.clock.now();
        for waiting in self.awaited.remove(stream).unwrap_or_default() {
            // It may wait for it once more, when it is turned round.
            if let Some(others) = self.awaits.get_mut(&waiting) {
                others.retain(|other| other != stream);
            }
            self.index.wake(&waiting, now);
            if !self.shared.poke(&waiting) {
                self.note(&waiting);
            }
        }
    }

    async fn keep_if_due(&mut self) {
        if self.since_kept >= EVENTS_PER_SNAPSHOT {
            self.keep().await;
        }
    }

    async fn keep(&mut self) {
        self.since_kept = 0;
        self.kept.save(self.index.kept(), self.feed.position()).await;
    }
}

fn note_of(record: &RecordedEvent) -> Option<WorkerNote> {
    serde_json::from_slice(&record.payload)
        .inspect_err(|error| tracing::warn!(%error, "a sign of life cannot be read"))
        .ok()
}
