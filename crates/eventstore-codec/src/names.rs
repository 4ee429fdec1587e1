use std::{borrow::Borrow, hash::BuildHasher, mem};

use eventstore_api::{EventType, InvalidInput, StreamId};
use foldhash::fast::RandomState;

use crate::DecodeError;

/// How many places for names there are, as more and more of them are met: up to 2 MiB of text.
const PLACES: [usize; 4] = [16, 128, 1_024, 4_096];

/// The names that a read came across lately, so that each is checked and allocated once and not once per event.
///
/// Keep one over a whole read. It remembers up to 4,096 event types and as many streams; of names for which there is only one
/// place it remembers the later.
///
/// ```
/// use eventstore_codec::Names;
///
/// let mut names = Names::new();
/// let first = names.event_type("SeatBooked")?;
/// let second = names.event_type("SeatBooked")?;
/// assert_eq!(first.as_str().as_ptr(), second.as_str().as_ptr());
/// assert!(names.stream("two\nlines").is_err());
/// # Ok::<(), eventstore_codec::DecodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Names {
    event_types: Remembered<EventType>,
    streams: Remembered<StreamId>,
}

/// One place for each name, by its hash: where hardly any name comes again, a table that grows and settles collisions takes
/// longer than to make the name.
#[derive(Debug)]
struct Remembered<T> {
    places: Vec<Option<T>>,
    /// How many names were put in a place since there are so many.
    put: usize,
    hasher: RandomState,
    /// Many events have the name of the one before.
    last: Option<T>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self { places: Vec::new(), put: 0, hasher: RandomState::default(), last: None }
    }
}

impl Names {
    /// No names yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The event type of this name.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Illegal`] when it is no legal name.
    pub fn event_type(&mut self, name: &str) -> Result<EventType, DecodeError> {
        self.event_types.get(name)
    }

    /// The stream of this name.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Illegal`] when it is no legal name.
    pub fn stream(&mut self, name: &str) -> Result<StreamId, DecodeError> {
        self.streams.get(name)
    }
}

impl<T> Remembered<T>
where
    T: for<'n> TryFrom<&'n str, Error = InvalidInput> + Borrow<str> + Clone,
{
    fn get(&mut self, name: &str) -> Result<T, DecodeError> {
        if let Some(last) = self.last.as_ref().filter(|last| (*last).borrow() == name) {
            return Ok(last.clone());
        }
        let hash = self.hasher.hash_one(name);
        let known = self.places.get(self.place_of(hash)).and_then(Option::as_ref);
        if let Some(known) = known.filter(|known| (*known).borrow() == name) {
            return Ok(self.last.insert(known.clone()).clone());
        }
        let new = T::try_from(name).map_err(|source| DecodeError::Illegal { at: 0, source })?;
        // Most reads meet one name: it is known as the last, and takes no place.
        if self.last.is_some() {
            self.put(hash, new.clone());
        }
        Ok(self.last.insert(new).clone())
    }

    fn put(&mut self, hash: u64, name: T) {
        if self.put >= self.places.len() {
            self.grow();
        }
        self.put += 1;
        let place = self.place_of(hash);
        if let Some(place) = self.places.get_mut(place) {
            *place = Some(name);
        }
    }

    fn grow(&mut self) {
        let Some(more) = PLACES.into_iter().find(|places| *places > self.places.len()) else { return };
        self.put = 0;
        for name in mem::replace(&mut self.places, vec![None; more]).into_iter().flatten() {
            let text: &str = name.borrow();
            let place = self.place_of(self.hasher.hash_one(text));
            if let Some(place) = self.places.get_mut(place) {
                *place = Some(name);
            }
        }
    }

    /// There are as many places as a power of two. Where there are none, it is none.
    fn place_of(&self, hash: u64) -> usize {
        let mask = (self.places.len() as u64).wrapping_sub(1);
        usize::try_from(hash & mask).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_names_there_are_each_is_given_as_it_is() {
        let mut names = Names::new();
        for round in 0..3 {
            for number in 0..10_000_u32 {
                let name = format!("account-{}", number.wrapping_mul(round + 1) % 7_001);
                assert_eq!(names.stream(&name).unwrap().as_str(), name);
            }
        }
        assert_eq!(names.streams.places.len(), 4_096);
    }

    #[test]
    fn names_that_come_again_are_mostly_remembered() {
        let mut names = Names::new();
        let all: Vec<String> = (0..500).map(|number| format!("account-{number}")).collect();
        // Enough rounds for places of their own.
        for _ in 0..10 {
            all.iter().for_each(|name| drop(names.stream(name).unwrap()));
        }
        let remembered = |names: &mut Names, name: &String| {
            let held = names.streams.places.iter().flatten().find(|it| it.as_str() == name).cloned();
            held.is_some_and(|held| held.as_str().as_ptr() == names.stream(name).unwrap().as_str().as_ptr())
        };
        let count = all.iter().filter(|name| remembered(&mut names, name)).count();
        assert!(count > 350, "{count}");
    }

    #[test]
    fn one_name_takes_no_place() {
        let mut names = Names::new();
        for _ in 0..9 {
            names.event_type("SeatBooked").unwrap();
        }
        assert!(names.event_types.places.is_empty());
        assert!(names.event_type("two\nlines").is_err());
    }
}
