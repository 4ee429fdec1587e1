use std::collections::{BTreeMap, HashMap};

use eventstore_api::{
    AppendBatch, AppendCondition, Appended, BackendStats, Direction, EventFilter, EventId, ExpectedVersion,
    GlobalPosition, InvalidInput, Placement, ReadAll, RecordedEvent, Result, Snapshot, StoreError,
    StreamAppend, StreamId, StreamRange, Timestamp, Version,
};

/// A store without concurrency, durability or pages: one list of events, and what must be true of it.
///
/// ```
/// use eventstore_api::{AppendBatch, EventType, ExpectedVersion, NewEvent, StreamId, StreamRange, Timestamp};
/// use eventstore_conformance::model::{Model, Spacing};
///
/// let mut model = Model::new(Spacing::Dense);
/// let stream = StreamId::new("account-7")?;
/// let opened = NewEvent::new(EventType::new("Opened")?, "");
/// let batch = AppendBatch::single(stream.clone(), ExpectedVersion::NoStream, vec![opened]);
/// let outcome = model.append(&batch, Timestamp::now())?;
/// assert_eq!(model.append(&batch, Timestamp::now())?, outcome);   // a retry
/// assert_eq!(model.read_stream(&stream, StreamRange::all()).len(), 1);
/// # Ok::<(), eventstore_api::StoreError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    /// All events, in their order.
    events: Vec<RecordedEvent>,
    /// Where in the list the events of each stream are.
    streams: HashMap<StreamId, Vec<usize>>,
    /// Where in the list the event of an id in a stream is.
    places: HashMap<(StreamId, EventId), usize>,
    snapshots: BTreeMap<StreamId, Snapshot>,
    spacing: Spacing,
}

/// Which positions a model gives to events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spacing {
    /// 1, 2, 3, ...
    Dense,
    /// With holes in between, as the contract allows, so that nobody relies on there being none.
    WithHoles,
}

impl Model {
    /// An empty store.
    #[must_use]
    pub fn new(spacing: Spacing) -> Self {
        Self {
            events: Vec::new(),
            streams: HashMap::new(),
            places: HashMap::new(),
            snapshots: BTreeMap::new(),
            spacing,
        }
    }

    /// All events, in their order.
    #[must_use]
    pub fn events(&self) -> &[RecordedEvent] {
        &self.events
    }

    /// The position of the last event.
    #[must_use]
    pub fn head(&self) -> GlobalPosition {
        self.events.last().map_or(GlobalPosition::START, |event| event.position)
    }

    /// The version of a stream's last event.
    #[must_use]
    pub fn version(&self, stream: &StreamId) -> Version {
        Version::new(self.streams.get(stream).map_or(0, Vec::len) as u64)
    }

    /// Appends a batch or changes nothing.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::append_all`](eventstore_api::EventStoreBackend::append_all).
    pub fn append(&mut self, batch: &AppendBatch, now: Timestamp) -> Result<Vec<Appended>> {
        batch.validate()?;
        if let Some(outcome) = self.earlier_outcome(batch)? {
            return Ok(outcome);
        }
        for append in &batch.appends {
            self.check_guard(&append.stream, append.expected)?;
        }
        for guard in &batch.guards {
            self.check_guard(&guard.stream, guard.expected)?;
        }
        if let Some(condition) = &batch.condition {
            self.check_condition(condition)?;
        }
        let recorded_at = self.events.last().map_or(now, |last| last.recorded_at.max(now));
        Ok(batch.appends.iter().map(|append| self.store(append, recorded_at)).collect())
    }

    /// Stores an event as another store has it, at any position behind the head, or changes nothing.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::restore`](eventstore_api::EventStoreBackend::restore).
    pub fn restore(&mut self, event: RecordedEvent) -> Result<()> {
        let RecordedEvent { position, recorded_at, .. } = event;
        if let Some(last) = self.events.last() {
            let next = GlobalPosition::new(last.position.get() + 1);
            if position < next {
                return Err(InvalidInput::PositionNotNext { position, next }.into());
            }
            if recorded_at < last.recorded_at {
                let last = last.recorded_at;
                return Err(InvalidInput::TimeRunsBackwards { position, recorded_at, last }.into());
            }
        }
        let next = self.version(&event.stream).next();
        if event.version != next {
            let (stream, version) = (event.stream, event.version);
            return Err(InvalidInput::VersionNotNext { stream, version, next }.into());
        }
        if self.places.contains_key(&(event.stream.clone(), event.id)) {
            return Err(InvalidInput::StoredElsewhere.into());
        }
        self.keep(event);
        Ok(())
    }

    /// The streams with a snapshot behind this one, in their order.
    #[must_use]
    pub fn snapshot_streams(&self, after: Option<&StreamId>, limit: usize) -> Vec<StreamId> {
        let names = self.snapshots.keys().filter(|name| after.is_none_or(|after| *name > after));
        names.take(limit).cloned().collect()
    }

    /// All events of a range of a stream, were there no bound to its pages but the range's own limit.
    #[must_use]
    pub fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Vec<RecordedEvent> {
        let mut events: Vec<RecordedEvent> = self
            .streams
            .get(stream)
            .into_iter()
            .flatten()
            .map(|&index| &self.events[index])
            .filter(|event| range.includes(event.version))
            .cloned()
            .collect();
        if range.direction == Direction::Backward {
            events.reverse();
        }
        events.truncate(range.limit.unwrap_or(usize::MAX));
        events
    }

    /// All events that a read of everything finds, were there no limit to its pages.
    #[must_use]
    pub fn read_all(&self, query: &ReadAll) -> Vec<RecordedEvent> {
        let passing = |event: &&RecordedEvent| query.filter.matches(event);
        match query.direction {
            Direction::Forward => {
                let start = self.events.partition_point(|event| event.position <= query.after);
                self.events[start..].iter().filter(passing).cloned().collect()
            }
            Direction::Backward => {
                let end = self.events.partition_point(|event| event.position < query.after);
                self.events[..end].iter().rev().filter(passing).cloned().collect()
            }
        }
    }

    /// Keeps a snapshot unless a later one is there.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidInput`] when it does not validate.
    pub fn save_snapshot(&mut self, snapshot: Snapshot) -> Result<()> {
        snapshot.validate()?;
        let later_is_there =
            self.snapshots.get(&snapshot.stream).is_some_and(|kept| kept.version > snapshot.version);
        if !later_is_there {
            self.snapshots.insert(snapshot.stream.clone(), snapshot);
        }
        Ok(())
    }

    /// The latest snapshot of a stream.
    #[must_use]
    pub fn latest_snapshot(&self, stream: &StreamId) -> Option<&Snapshot> {
        self.snapshots.get(stream)
    }

    /// How much there is.
    #[must_use]
    pub fn stats(&self) -> BackendStats {
        let count = |number: usize| number as u64;
        BackendStats::new(
            count(self.events.len()),
            count(self.streams.len()),
            count(self.snapshots.len()),
            self.head(),
        )
    }

    /// What the first append of this batch answered, if all of it is stored already.
    fn earlier_outcome(&self, batch: &AppendBatch) -> Result<Option<Vec<Appended>>, InvalidInput> {
        let mut known = None;
        let mut unknown = None;
        for append in &batch.appends {
            for event in &append.events {
                let stored = self.places.contains_key(&(append.stream.clone(), event.id));
                *(if stored { &mut known } else { &mut unknown }) = Some(event.id);
            }
        }
        match (known, unknown) {
            (None, _) => Ok(None),
            (Some(known), Some(unknown)) => Err(InvalidInput::PartlyKnown { known, unknown }),
            (Some(_), None) => batch
                .appends
                .iter()
                .map(|append| self.earlier_part(append))
                .collect::<Result<_, _>>()
                .map(Some),
        }
    }

    fn earlier_part(&self, append: &StreamAppend) -> Result<Appended, InvalidInput> {
        let stored: Vec<&RecordedEvent> = append
            .events
            .iter()
            .map(|event| &self.events[self.places[&(append.stream.clone(), event.id)]])
            .collect();
        if let Some((stored, _)) =
            stored.iter().zip(&append.events).find(|(stored, event)| !stored.same_content(event))
        {
            return Err(reused(append, stored));
        }
        if let Some(pair) = stored.windows(2).find(|pair| pair[1].version != pair[0].version.next()) {
            return Err(reused(append, pair[1]));
        }
        Ok(outcome(&append.stream, stored[0], stored[stored.len() - 1]))
    }

    fn check_guard(&self, stream: &StreamId, expected: ExpectedVersion) -> Result<()> {
        let actual = self.version(stream);
        if expected.is_met_by(actual) {
            return Ok(());
        }
        Err(StoreError::WrongExpectedVersion { stream: stream.clone(), expected, actual })
    }

    fn check_condition(&self, condition: &AppendCondition) -> Result<()> {
        match self.last_after(condition.after, &condition.fail_if_events_match) {
            Some(at) => Err(StoreError::ConditionFailed { at }),
            None => Ok(()),
        }
    }

    fn last_after(&self, after: GlobalPosition, filter: &EventFilter) -> Option<GlobalPosition> {
        let later = self.events.iter().rev().take_while(|event| event.position > after);
        later.filter(|event| filter.matches(event)).map(|event| event.position).next()
    }

    fn store(&mut self, append: &StreamAppend, recorded_at: Timestamp) -> Appended {
        let first = self.events.len();
        for event in &append.events {
            let placement = Placement {
                stream: append.stream.clone(),
                version: self.version(&append.stream).next(),
                position: self.next_position(),
                recorded_at,
            };
            self.keep(event.clone().record(placement));
        }
        outcome(&append.stream, &self.events[first], &self.events[self.events.len() - 1])
    }

    fn keep(&mut self, event: RecordedEvent) {
        let index = self.events.len();
        self.streams.entry(event.stream.clone()).or_default().push(index);
        self.places.insert((event.stream.clone(), event.id), index);
        self.events.push(event);
    }

    fn next_position(&self) -> GlobalPosition {
        let hole = match self.spacing {
            Spacing::Dense => 0,
            Spacing::WithHoles => (self.events.len() % 4) as u64,
        };
        GlobalPosition::new(self.head().get() + 1 + hole)
    }
}

fn reused(append: &StreamAppend, stored: &RecordedEvent) -> InvalidInput {
    InvalidInput::EventIdReused { stream: append.stream.clone(), id: stored.id, version: stored.version }
}

fn outcome(stream: &StreamId, first: &RecordedEvent, last: &RecordedEvent) -> Appended {
    Appended::new(stream.clone(), (first.version, first.position), (last.version, last.position))
}
