use eventstore_api::{Direction, Result};

use crate::{
    database::{Database, Iter},
    layout::keys,
};

/// How many keys are stepped over before it is sought among the others: a step costs a twentieth of that.
const STEPS: u32 = 8;

/// A walk over the keys of one name, in the order of their numbers.
pub(crate) struct NameWalk<'d> {
    database: &'d Database,
    iter: Iter<'d>,
    /// A key of this name: the number at its end is written over.
    key: Vec<u8>,
    is_on_a_key: bool,
}

impl<'d> NameWalk<'d> {
    /// A walk over the keys whose name this key has, and which begins nowhere yet.
    pub(crate) fn new(database: &'d Database, family: &'static str, key: Vec<u8>) -> Result<Self> {
        Ok(Self { database, iter: database.iter_name(family)?, key, is_on_a_key: false })
    }

    /// Goes to the key with this number, or to the nearest one beyond; its number and its value, or `None` where there is
    /// none.
    pub(crate) fn seek(&mut self, number: u64, direction: Direction) -> Result<Option<(u64, &[u8])>> {
        let length = self.key.len();
        let end = keys::name(&self.key).len();
        if let Some(place) = self.key.get_mut(end..length) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        match direction {
            Direction::Forward => self.iter.seek(&self.key),
            Direction::Backward => self.iter.seek_for_prev(&self.key),
        }
        self.is_on_a_key = true;
        self.here()
    }

    /// Goes to the next key.
    pub(crate) fn step(&mut self, direction: Direction) -> Result<Option<(u64, &[u8])>> {
        if !self.is_on_a_key {
            return Ok(None);
        }
        match direction {
            Direction::Forward => self.iter.next(),
            Direction::Backward => self.iter.prev(),
        }
        self.here()
    }

    /// As [`NameWalk::seek`], where the walk is mostly near already.
    pub(crate) fn go_on_to(&mut self, number: u64, direction: Direction) -> Result<Option<(u64, &[u8])>> {
        if !self.is_on_a_key {
            return self.seek(number, direction);
        }
        for _ in 0..STEPS {
            match self.here()? {
                None => return Ok(None),
                Some((here, _)) if is_at_or_beyond(here, number, direction) => return self.here(),
                Some(_) => self.step(direction)?,
            };
        }
        self.seek(number, direction)
    }

    /// The number and the value of the key that the walk is on.
    fn here(&mut self) -> Result<Option<(u64, &[u8])>> {
        let item = match self.database.item(&self.iter)? {
            Some((key, value)) if keys::name(key) == keys::name(&self.key) => {
                keys::number(key).map(|number| (number, value))
            }
            _ => None,
        };
        self.is_on_a_key = item.is_some();
        Ok(item)
    }
}

fn is_at_or_beyond(here: u64, number: u64, direction: Direction) -> bool {
    match direction {
        Direction::Forward => here >= number,
        Direction::Backward => here <= number,
    }
}
