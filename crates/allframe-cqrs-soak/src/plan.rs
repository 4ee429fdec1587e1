//! What a writer appends: it follows from the seed and a name, which the parent has too.

use std::{fmt, str::FromStr};

use allframe_cqrs::{Draft, EventFilter, EventId, InvalidInput, Tags};
use uuid::Uuid;

use crate::bank::{BankEvent, account};

/// Which append: the `number`th of a task of a life. The ids of its events say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) life: u32,
    pub(crate) task: u16,
    pub(crate) number: u32,
}

/// No more lives than these: the ids of all other events begin with a time, which is greater.
const MOST_LIVES: u32 = 1 << 20;

impl Name {
    pub(crate) fn event(self, index: usize) -> EventId {
        let (life, task, number) = (u128::from(self.life), u128::from(self.task), u128::from(self.number));
        EventId::from_uuid(Uuid::from_u128(life << 96 | task << 80 | number << 48 | index as u128))
    }

    /// The append that an event is part of, and which of its events it is; `None` of one that no writer made.
    pub(crate) fn of(id: EventId) -> Option<(Self, usize)> {
        let [a, b, c, d, e, f, g, h, i, j, rest @ ..] = *id.as_bytes();
        let [k, l, m, n, o, p] = rest;
        let life = u32::from_be_bytes([a, b, c, d]);
        let index = u64::from_be_bytes([0, 0, k, l, m, n, o, p]);
        let name = Self { life, task: u16::from_be_bytes([e, f]), number: u32::from_be_bytes([g, h, i, j]) };
        (life < MOST_LIVES).then_some((name, usize::try_from(index).unwrap_or(usize::MAX)))
    }

    fn chance(self, seed: u64) -> fastrand::Rng {
        let mut rng = fastrand::Rng::with_seed(seed);
        for part in [u64::from(self.life), u64::from(self.task), u64::from(self.number)] {
            rng = fastrand::Rng::with_seed(rng.u64(..) ^ part);
        }
        rng
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.life, self.task, self.number)
    }
}

impl FromStr for Name {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let mut part = || parts.next().ok_or(());
        let life = part()?.parse().map_err(|_| ())?;
        let task = part()?.parse().map_err(|_| ())?;
        let number = part()?.parse().map_err(|_| ())?;
        Ok(Self { life, task, number })
    }
}

/// What guards an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Nothing does.
    Free,
    /// Its one stream is as long as the writer has just read: of those who read the same, one wins.
    AsRead,
    /// The same, of a stream to which nobody else writes: it holds always.
    Alone,
    /// Nothing in the store has this tag.
    Once(String),
}

/// A stream, and what is appended to it.
type Drafts = (String, Vec<Draft<BankEvent>>);

/// One append: to each stream some events.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) name: Name,
    pub(crate) guard: Guard,
    pub(crate) streams: Vec<(String, Vec<BankEvent>)>,
}

impl Planned {
    pub(crate) fn new(seed: u64, name: Name) -> Self {
        let mut chance = name.chance(seed);
        let notes = |chance: &mut fastrand::Rng| -> Vec<BankEvent> {
            let count = chance.usize(1..4);
            (0..count).map(|_| note(name, chance)).collect()
        };
        let (guard, streams) = match chance.u8(0..10) {
            0 | 1 => {
                let own = format!("own-{}-{}", name.life, name.task);
                (Guard::Alone, vec![(own, notes(&mut chance))])
            }
            2 | 3 => (Guard::AsRead, vec![(format!("race-{}", chance.u8(0..4)), notes(&mut chance))]),
            4 => {
                // All tasks of a life come by here, and by the same tags.
                let tag = format!("once:{}-{}", name.life, name.number / 16);
                (Guard::Once(tag), vec![(format!("once-{}", chance.u8(0..4)), notes(&mut chance))])
            }
            5..=7 => {
                let first = chance.u8(0..8);
                let stream = |which: u8| format!("shared-{}", which % 8);
                let both = vec![(stream(first), notes(&mut chance)), (stream(first + 1), notes(&mut chance))];
                (Guard::Free, both)
            }
            _ => {
                let deposit = BankEvent::Deposited { amount: chance.u64(1..1000) };
                (Guard::Free, vec![(account(chance.u64(..)), vec![deposit])])
            }
        };
        Self { name, guard, streams }
    }

    /// The events of each stream as they are appended, with their ids and tags.
    pub(crate) fn drafts(&self) -> Result<Vec<Drafts>, InvalidInput> {
        let tags = match &self.guard {
            Guard::Once(tag) => Tags::parse([tag.clone()])?,
            Guard::Free | Guard::AsRead | Guard::Alone => Tags::NONE,
        };
        let mut index = 0;
        let mut draft = |event: &BankEvent| {
            let draft = Draft::new(event.clone()).with_id(self.name.event(index)).with_tags(tags.clone());
            index += 1;
            draft
        };
        let each = self.streams.iter();
        Ok(each.map(|(stream, events)| (stream.clone(), events.iter().map(&mut draft).collect())).collect())
    }

    /// What must not be there yet.
    pub(crate) fn condition(&self) -> Result<Option<EventFilter>, InvalidInput> {
        match &self.guard {
            Guard::Once(tag) => Ok(Some(EventFilter::tagged(Tags::parse([tag.clone()])?))),
            Guard::Free | Guard::AsRead | Guard::Alone => Ok(None),
        }
    }
}

/// Of any length, now and then of many kilobytes.
fn note(name: Name, chance: &mut fastrand::Rng) -> BankEvent {
    let length = match chance.u8(..) {
        0 => chance.usize(..60_000),
        1..=20 => 0,
        _ => chance.usize(..300),
    };
    BankEvent::Noted { text: format!("{name} {}", chance.alphanumeric().to_string().repeat(length)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_says_of_which_append_it_is() {
        let name = Name { life: 7, task: 65_535, number: u32::MAX };
        assert_eq!(Name::of(name.event(9)), Some((name, 9)));
        assert_eq!(name.to_string().parse(), Ok(name));
        assert_eq!(Name::of(EventId::generate()), None);
    }

    #[test]
    fn the_same_name_is_the_same_append() {
        for number in 0..200 {
            let name = Name { life: 1, task: 2, number };
            let (one, other) = (Planned::new(5, name), Planned::new(5, name));
            assert_eq!((one.guard, one.streams), (other.guard, other.streams));
        }
    }
}
