//! Batches to append: of one or several streams, empty to several sectors long, with tags, guards and conditions.

use std::sync::Arc;

use bytes::Bytes;
use eventstore_api::{
    AppendBatch, AppendCondition, EventFilter, EventId, EventType, ExpectedVersion, GlobalPosition, Metadata,
    NewEvent, StreamId, Tag, Tags, Version,
};
use uuid::Uuid;

use crate::{chance::Chance, model::Model};

/// Makes events of which no two are the same.
#[derive(Debug)]
pub struct Events {
    streams: Vec<StreamId>,
    types: Vec<EventType>,
    tags: Vec<Tag>,
    /// What payloads are cut from.
    noise: Bytes,
    next_id: u64,
}

/// The longest payload there is, in bytes.
const LONGEST: usize = 5_000;

impl Events {
    /// Events whose ids follow from this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let noise: Vec<u8> = (0..LONGEST * 2).map(|_| chance.number().to_le_bytes()[0]).collect();
        Self {
            streams: names(["account-1", "account-2", "ledger-\u{fc}", "a", "order-2024-11"], StreamId::new),
            types: names(["Opened", "Deposited", "Closed"], EventType::new),
            tags: names(["owner:ann", "owner:bob", "branch:7"], Tag::new),
            noise: noise.into(),
            next_id: (seed % 1_000) << 32,
        }
    }

    /// All streams that there can be.
    #[must_use]
    pub fn streams(&self) -> &[StreamId] {
        &self.streams
    }

    /// All tags that there can be.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// An event with a payload of this length.
    pub fn event(&mut self, chance: &mut Chance, payload_bytes: usize) -> NewEvent {
        self.next_id += 2;
        // Most ids rise, as those that are generated do, but whoever makes ids of their own may do it in any order.
        let id = match chance.one_in(8) {
            true => u64::MAX - self.next_id,
            false => self.next_id,
        };
        let id = EventId::from_uuid(Uuid::from_u64_pair(id, self.next_id));
        let start = chance.below(LONGEST);
        let payload = self.noise.slice(start..start + payload_bytes.min(LONGEST));
        let mut event = NewEvent::new(one_of(&self.types, chance), payload).with_id(id);
        if chance.one_in(3) {
            let tags = (0..=chance.below(2)).map(|_| one_of(&self.tags, chance));
            event = event.with_tags(Tags::new(tags).unwrap_or(Tags::NONE));
        }
        if chance.one_in(6) {
            event = event.with_schema_version(7).with_metadata(Metadata::new().with("user", "ann"));
        }
        event
    }

    /// A batch, most likely one that a store which holds this takes.
    pub fn batch(&mut self, chance: &mut Chance, model: &Model) -> Arc<AppendBatch> {
        let streams = match chance.below(8) {
            0 => 3,
            1 => 2,
            _ => 1,
        };
        let first = chance.below(self.streams.len());
        let chosen: Vec<StreamId> = self.streams.iter().cycle().skip(first).take(streams).cloned().collect();
        let mut batch = AppendBatch::new();
        for stream in chosen {
            let version = model.version(&stream);
            let expected = match chance.below(8) {
                0..=2 => ExpectedVersion::Exact(version),
                3 if version > Version::NONE => ExpectedVersion::StreamExists,
                4 if version == Version::NONE => ExpectedVersion::NoStream,
                5 if chance.one_in(3) => ExpectedVersion::Exact(version.next()),
                _ => ExpectedVersion::Any,
            };
            let count = chance.pick(1, &[1, 1, 1, 2, 4]);
            let events = (0..count).map(|_| {
                let bytes = payload_bytes(chance);
                self.event(chance, bytes)
            });
            batch = batch.append(stream, expected, events.collect());
        }
        if chance.one_in(8) {
            let stream = one_of(&self.streams, chance);
            if batch.appends.iter().all(|append| append.stream != stream) {
                let version = model.version(&stream);
                batch = batch.guard(stream, ExpectedVersion::Exact(version));
            }
        }
        if chance.one_in(8) {
            let filter = EventFilter::tagged(Tags::new([one_of(&self.tags, chance)]).unwrap_or(Tags::NONE));
            let after = model.len() - chance.below(4).min(model.len());
            batch = batch.condition(AppendCondition::none_after(filter, GlobalPosition::new(after as u64)));
        }
        Arc::new(batch)
    }
}

fn payload_bytes(chance: &mut Chance) -> usize {
    match chance.below(16) {
        0 => 0,
        1..=8 => 1 + chance.below(120),
        9..=12 => 200 + chance.below(400),
        // About the ends of sectors.
        13 => 512 - 8 + chance.below(16),
        14 => 1_000 + chance.below(1_600),
        // Longer than the shortest segments.
        _ if chance.one_in(3) => LONGEST,
        _ => 64,
    }
}

fn one_of<T: Clone>(all: &[T], chance: &mut Chance) -> T {
    #[expect(clippy::indexing_slicing, reason = "there are some, and chance stays below their number")]
    all[chance.below(all.len())].clone()
}

fn names<T, E: std::fmt::Debug, const N: usize>(
    names: [&'static str; N],
    name: impl Fn(&'static str) -> Result<T, E>,
) -> Vec<T> {
    #[expect(clippy::expect_used, reason = "they are written above")]
    names.into_iter().map(|it| name(it).expect("a legal name")).collect()
}
