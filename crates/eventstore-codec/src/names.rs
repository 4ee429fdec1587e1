use std::{borrow::Borrow, collections::HashSet, hash::Hash};

use eventstore_api::{EventType, InvalidInput, StreamId};
use foldhash::fast::RandomState;

use crate::DecodeError;

/// How many names of a kind are remembered: up to 512 KiB of text.
const MOST: usize = 1_024;

/// The names that a read came across lately, so that each is checked and allocated once and not once per event.
///
/// Keep one over a whole read. It remembers up to 1,024 event types and as many streams; when there are more, it forgets
/// them and begins anew.
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

#[derive(Debug)]
struct Remembered<T> {
    all: HashSet<T, RandomState>,
    /// Many events have the name of the one before.
    last: Option<T>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self { all: HashSet::default(), last: None }
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
    T: for<'n> TryFrom<&'n str, Error = InvalidInput> + Borrow<str> + Clone + Eq + Hash,
{
    fn get(&mut self, name: &str) -> Result<T, DecodeError> {
        if let Some(last) = self.last.as_ref().filter(|last| (*last).borrow() == name) {
            return Ok(last.clone());
        }
        let found = match self.all.get(name) {
            Some(known) => known.clone(),
            None => {
                let new = T::try_from(name).map_err(|source| DecodeError::Illegal { at: 0, source })?;
                if self.all.len() >= MOST {
                    self.all.clear();
                }
                self.all.insert(new.clone());
                new
            }
        };
        Ok(self.last.insert(found).clone())
    }
}
