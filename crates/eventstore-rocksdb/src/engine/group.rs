use std::{collections::HashMap, io::IoSlice};

use eventstore_api::{
    AppendCondition, Appended, EventId, GlobalPosition, Known, NewEvent, Result, StoreError, StreamAppend,
    StreamId, Timestamp, Version,
};
use foldhash::fast::RandomState;
use rust_rocksdb::{ColumnFamily, WriteBatch};

use super::{
    memory::{Head, Memory},
    request::{NewAppend, NewSnapshot},
};
use crate::{
    database::Database,
    error::failed,
    layout::{entry, family, keys, record, state::State},
};

/// Appends that are going to be written together, and what they make of the store. Until they are written, nobody else sees
/// them; those of the group that come later do.
pub(super) struct Group<'r> {
    batch: WriteBatch,
    state: State,
    heads: HashMap<&'r str, (&'r StreamId, Head), RandomState>,
    events: Vec<Pending<'r>>,
    ids: HashMap<EventId, Vec<usize>, RandomState>,
    /// How many of `events` are in `ids`: hardly ever anybody asks.
    indexed: usize,
    snapshots: HashMap<&'r str, Version, RandomState>,
    /// Why it must not be written, if that is so: a part of an append is in it, and the rest could not be taken up.
    broken: Option<StoreError>,
}

/// An event that is going to be written.
struct Pending<'r> {
    stream: &'r StreamId,
    event: &'r NewEvent,
    version: Version,
    position: GlobalPosition,
}

/// The column families that appends go to.
struct Families<'d> {
    events: &'d ColumnFamily,
    streams: &'d ColumnFamily,
    ids: &'d ColumnFamily,
    postings: &'d ColumnFamily,
}

impl<'r> Group<'r> {
    pub(super) fn new(state: State) -> Self {
        Self {
            batch: WriteBatch::default(),
            state,
            heads: HashMap::default(),
            events: Vec::new(),
            ids: HashMap::default(),
            indexed: 0,
            snapshots: HashMap::default(),
            broken: None,
        }
    }

    /// What the store holds once this is written.
    pub(super) fn state(&self) -> State {
        self.state
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// The batch to be written, with the state behind it.
    pub(super) fn finish(&mut self, state: State, database: &Database) -> Result<&WriteBatch> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        self.batch.put_cf(database.family(family::META)?, keys::STATE, state.to_bytes());
        Ok(&self.batch)
    }

    /// The streams that events were appended to, and where they end.
    pub(super) fn heads(&self) -> impl Iterator<Item = (&'r StreamId, Head)> {
        self.heads.values().copied()
    }

    /// Where this stream comes to end, if events are appended to it here.
    pub(super) fn head(&self, stream: &StreamId) -> Option<Head> {
        self.heads.get(stream.as_str()).map(|(_, head)| *head)
    }

    /// The version of the snapshot that is saved here of this stream.
    pub(super) fn snapshot(&self, stream: &StreamId) -> Option<Version> {
        self.snapshots.get(stream.as_str()).copied()
    }

    /// Where an event is going to be.
    pub(super) fn find(&mut self, stream: &StreamId, event: &NewEvent) -> Option<Known> {
        for (number, pending) in self.events.iter().enumerate().skip(self.indexed) {
            self.ids.entry(pending.event.id).or_default().push(number);
        }
        self.indexed = self.events.len();
        let numbers = self.ids.get(&event.id)?;
        let found =
            numbers.iter().filter_map(|number| self.events.get(*number)).find(|it| it.stream == stream)?;
        Some(Known { version: found.version, position: found.position, same_content: *found.event == *event })
    }

    /// The last event that the condition excludes.
    pub(super) fn last_match(&self, condition: &AppendCondition) -> Option<GlobalPosition> {
        let after = self.events.iter().rev().take_while(|it| it.position > condition.after);
        let filter = &condition.fail_if_events_match;
        let mut matching =
            after.filter(|it| filter.matches_parts(it.stream, &it.event.event_type, &it.event.tags));
        matching.next().map(|it| it.position)
    }

    /// Appends a batch of which it is decided that it may be. `heads` says where its streams end, in their order.
    pub(super) fn append(
        &mut self,
        append: &'r NewAppend,
        heads: &[Head],
        database: &Database,
        memory: &mut Memory,
    ) -> Result<Vec<Appended>> {
        let families = Families {
            events: database.family(family::EVENTS)?,
            streams: database.family(family::STREAMS)?,
            ids: database.family(family::IDS)?,
            postings: database.family(family::POSTINGS)?,
        };
        let recorded_at = match append.place {
            Some(place) => place.recorded_at,
            None => Timestamp::now().max(self.state.recorded_at),
        };
        self.state.recorded_at = recorded_at;
        let mut events = append.events();
        let mut outcomes = Vec::with_capacity(heads.len());
        for (StreamAppend { stream, events: its, .. }, end) in append.batch.appends.iter().zip(heads) {
            let first = (end.version.next(), self.next_position());
            let mut head = *end;
            for (event, form) in events.by_ref().take(its.len()) {
                head.version = head.version.next();
                head.greatest_id = head.greatest_id.max(Some(event.id));
                let pending =
                    Pending { stream, event, version: head.version, position: self.next_position() };
                if let Err(error) = self.put(&pending, (form, recorded_at), &families, memory) {
                    let broken = failed(database.path(), "take up an event")(error);
                    return Err(self.broken.insert(broken).clone());
                }
                self.state.counts.head = pending.position;
                self.events.push(pending);
            }
            self.state.greatest_id = self.state.greatest_id.max(head.greatest_id);
            self.state.counts.events += its.len() as u64;
            self.state.counts.streams += u64::from(end.version == Version::NONE);
            self.heads.insert(stream.as_str(), (stream, head));
            outcomes.push(Appended::new(stream.clone(), first, (head.version, self.state.counts.head)));
        }
        Ok(outcomes)
    }

    /// Saves a snapshot of which it is decided that it may be.
    pub(super) fn save(&mut self, save: &'r NewSnapshot, is_first: bool, database: &Database) -> Result<()> {
        let stream = save.snapshot.stream.as_str();
        self.batch.put_cf(database.family(family::SNAPSHOTS)?, stream, &save.form);
        self.state.counts.snapshots += u64::from(is_first);
        self.snapshots.insert(stream, save.snapshot.version);
        Ok(())
    }

    fn next_position(&self) -> GlobalPosition {
        GlobalPosition::new(self.state.counts.head.get() + 1)
    }

    fn put(
        &mut self,
        pending: &Pending<'r>,
        (form, recorded_at): (&[u8], Timestamp),
        families: &Families<'_>,
        memory: &mut Memory,
    ) -> Result<(), rust_rocksdb::Error> {
        let Pending { stream, event, version, position } = *pending;
        let key = keys::event(position);
        let place = record::place(version, recorded_at);
        let record = [IoSlice::new(&place), IoSlice::new(form)];
        self.batch.put_cf_vectored(families.events, &[IoSlice::new(&key)], &record)?;
        let entry = entry::write(position, place.len() + form.len());
        self.batch.put_cf(families.streams, keys::stream(stream, version), entry);
        self.batch.put_cf(families.ids, keys::id(event.id, stream), key);
        for tag in &event.tags {
            self.batch.put_cf(families.postings, keys::tag(tag, position), []);
        }
        let block = keys::block(position);
        if memory.is_first_in_block(&event.event_type, block) {
            self.batch.put_cf(families.postings, keys::event_type(&event.event_type, block), []);
        }
        Ok(())
    }
}
