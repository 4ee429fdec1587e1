use std::{collections::HashSet, hash::Hash};

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
    event_types: HashSet<EventType, RandomState>,
    streams: HashSet<StreamId, RandomState>,
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
        remembered(&mut self.event_types, name)
    }

    /// The stream of this name.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Illegal`] when it is no legal name.
    pub fn stream(&mut self, name: &str) -> Result<StreamId, DecodeError> {
        remembered(&mut self.streams, name)
    }
}

fn remembered<T>(names: &mut HashSet<T, RandomState>, name: &str) -> Result<T, DecodeError>
where
    T: for<'n> TryFrom<&'n str, Error = InvalidInput> + std::borrow::Borrow<str> + Clone + Eq + Hash,
{
    if let Some(known) = names.get(name) {
        return Ok(known.clone());
    }
    let new = T::try_from(name).map_err(|source| DecodeError::Illegal { at: 0, source })?;
    if names.len() >= MOST {
        names.clear();
    }
    names.insert(new.clone());
    Ok(new)
}
