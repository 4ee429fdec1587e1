//! What is appended: it follows from numbers that the one who appends and the one who checks both have.

use bytes::Bytes;
use eventstore_api::{
    AppendBatch, AppendCondition, Encoding, EventFilter, EventId, EventType, ExpectedVersion, InvalidInput,
    Metadata, NewEvent, StreamId, Tags, Version,
};
use eventstore_torture::chance::Chance;
use uuid::Uuid;

/// Which append: the `number`th of a task of a process. The ids of its events say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) life: u32,
    pub(crate) task: u16,
    pub(crate) number: u32,
}

impl Name {
    fn event(self, index: usize) -> EventId {
        let (life, task, number) = (u128::from(self.life), u128::from(self.task), u128::from(self.number));
        EventId::from_uuid(Uuid::from_u128(life << 96 | task << 80 | number << 48 | index as u128))
    }

    /// The append that an event says it is part of.
    pub(crate) fn of(id: EventId) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, ..] = *id.as_bytes();
        Self {
            life: u32::from_be_bytes([a, b, c, d]),
            task: u16::from_be_bytes([e, f]),
            number: u32::from_be_bytes([g, h, i, j]),
        }
    }
}

/// One append.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) name: Name,
    pub(crate) batch: AppendBatch,
}

/// An append of which one write takes long, so that a kill can tear it.
const LARGE_PAYLOAD: usize = 1 << 20;
const SHARED_STREAMS: usize = 8;

impl Planned {
    pub(crate) fn is_large(&self) -> bool {
        self.events().any(|(_, event)| event.payload.len() >= LARGE_PAYLOAD)
    }

    /// Its events in the order in which they are stored, each with its stream.
    pub(crate) fn events(&self) -> impl Iterator<Item = (&StreamId, &NewEvent)> {
        self.batch.appends.iter().flat_map(|append| append.events.iter().map(|event| (&append.stream, event)))
    }
}

/// All appends of one task, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    seed: u64,
    next: Name,
    /// How far the stream is that only this task appends to.
    own_version: Version,
}

impl Plan {
    pub(crate) fn new(seed: u64, life: u32, task: u16) -> Self {
        Self { seed, next: Name { life, task, number: 0 }, own_version: Version::NONE }
    }

    pub(crate) fn next(&mut self) -> Result<Planned, InvalidInput> {
        let name = self.next;
        let Name { life, task, number } = name;
        let mut chance = Chance::new(self.seed);
        for part in [life, u32::from(task), number] {
            chance = Chance::new(chance.number() ^ u64::from(part));
        }
        let is_large = number % 64 == 16 + u32::from(task % 4);
        let mut made = 0;
        let mut events = |chance: &mut Chance| -> Result<Vec<NewEvent>, InvalidInput> {
            let count = 1 + chance.below(4);
            let new = (made..made + count).map(|index| event(name, index, is_large, chance)).collect();
            made += count;
            new
        };

        let mut batch = AppendBatch::new();
        let shape = chance.below(4);
        if shape > 0 {
            let own = events(&mut chance)?;
            let expected = match self.own_version {
                Version::NONE => ExpectedVersion::NoStream,
                version => ExpectedVersion::Exact(version),
            };
            self.own_version = Version::new(self.own_version.get() + own.len() as u64);
            batch = batch.append(StreamId::new(format!("own-{life}-{task}"))?, expected, own);
        }
        let first_shared = chance.below(SHARED_STREAMS);
        let shared = if shape == 0 { 1 } else { shape - 1 };
        for place in 0..shared {
            let stream = StreamId::new(format!("shared-{}", (first_shared + place) % SHARED_STREAMS))?;
            batch = batch.append(stream, ExpectedVersion::Any, events(&mut chance)?);
        }
        if chance.one_in(4) {
            let once = EventFilter::tagged(Tags::parse([tag_of(name)])?);
            batch = batch.condition(AppendCondition::none(once));
        }
        self.next.number += 1;
        Ok(Planned { name, batch })
    }
}

fn tag_of(Name { life, task, number }: Name) -> String {
    format!("append:{life}-{task}-{number}")
}

fn event(name: Name, index: usize, is_large: bool, chance: &mut Chance) -> Result<NewEvent, InvalidInput> {
    let event_type = EventType::new(format!("Written{}", chance.below(3)))?;
    let length = match (is_large, chance.below(20)) {
        (true, _) => LARGE_PAYLOAD,
        (false, 0) => chance.below(60_000),
        (false, 1) => 0,
        (false, _) => chance.below(400),
    };
    let mut payload = Vec::with_capacity(length + 8);
    while payload.len() < length {
        payload.extend_from_slice(&chance.number().to_le_bytes());
    }
    payload.truncate(length);
    let tags = Tags::parse([tag_of(name), format!("task:{}", name.task)])?;
    Ok(NewEvent::identified(name.event(index), event_type, Bytes::from(payload))
        .with_encoding(Encoding::JSON)
        .with_metadata(Metadata::new().with_correlation_id(format!("{}", name.number)))
        .with_tags(tags))
}
