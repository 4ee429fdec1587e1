use std::ops::RangeInclusive;

use eventstore_api::Direction;

use super::{Section, SidecarError, SidecarFile, Wait, file::at_most};

/// How many keys are read at a time: 8 KiB. Where hashes are spread evenly, a guess among a million keys is off by 500 or
/// fewer in two of three cases.
const WINDOW: u64 = 1024;
const KEY_BYTES: u64 = 8;
const WINDOW_BYTES: usize = 8 << 10;
/// Where this many guesses miss, hashes are not spread evenly: one of them holds many keys. What is left is then halved.
const GUESSES: u32 = 2;

/// How many keys a section holds.
pub(super) fn count(file: &SidecarFile, section: Section) -> u64 {
    file.length(section) / KEY_BYTES
}

/// The keys of a section that lie in a range, in a direction.
pub(super) struct KeysWithin<'f> {
    file: &'f SidecarFile,
    section: Section,
    within: RangeInclusive<u64>,
    direction: Direction,
    how: Wait,
    count: u64,
    /// The number of the next key; backward, of the key after it.
    at: u64,
    window: Window,
}

/// Keys that are in memory, and the number of the first of them.
#[derive(Default)]
struct Window {
    first: u64,
    bytes: Vec<u8>,
}

impl<'f> KeysWithin<'f> {
    pub(super) fn new(
        file: &'f SidecarFile,
        section: Section,
        within: RangeInclusive<u64>,
        direction: Direction,
        how: Wait,
    ) -> Result<Self, SidecarError> {
        let count = count(file, section);
        let mut keys =
            Self { file, section, within, direction, how, count, at: 0, window: Window::default() };
        keys.at = match direction {
            Direction::Forward => keys.first_not_below(*keys.within.start())?,
            Direction::Backward => match keys.within.end().checked_add(1) {
                Some(beyond) => keys.first_not_below(beyond)?,
                None => count,
            },
        };
        Ok(keys)
    }

    /// The number of the first key that is not below this one; the count of keys when all are.
    fn first_not_below(&mut self, key: u64) -> Result<u64, SidecarError> {
        // What is sought lies at `low` or after it, and at `high` or before it.
        let (mut low, mut high) = (0, self.count);
        let (mut low_key, mut high_key) = (0, u64::MAX);
        let mut missed = 0;
        while low < high {
            let guess = match missed < GUESSES {
                true => {
                    low + share(high - low, key.saturating_sub(low_key), high_key.saturating_sub(low_key))
                }
                false => low + (high - low) / 2,
            };
            let latest = high.saturating_sub(WINDOW).max(low);
            let first = guess.saturating_sub(WINDOW / 2).clamp(low, latest);
            self.load(first, (high - first).min(WINDOW))?;
            let keys = self.window.keys();
            let below = keys.partition_point(|&bytes| u64::from_le_bytes(bytes) < key);
            match (keys.first(), keys.last()) {
                (Some(&first_key), _) if below == 0 && first > low => {
                    (high, high_key) = (first, u64::from_le_bytes(first_key));
                }
                (_, Some(&last_key)) if below == keys.len() => {
                    (low, low_key) = (first + below as u64, u64::from_le_bytes(last_key));
                }
                _ => return Ok(first + below as u64),
            }
            missed += 1;
        }
        Ok(low)
    }

    fn key(&mut self, number: u64) -> Result<u64, SidecarError> {
        if let Some(key) = self.window.key(number) {
            return Ok(key);
        }
        let first = match self.direction {
            Direction::Forward => number,
            Direction::Backward => (number + 1).saturating_sub(WINDOW),
        };
        self.load(first, (self.count - first).min(WINDOW))?;
        // Loaded just now.
        Ok(self.window.key(number).unwrap_or_default())
    }

    fn load(&mut self, first: u64, count: u64) -> Result<(), SidecarError> {
        self.window.first = first;
        self.window.bytes.resize(at_most(count * KEY_BYTES, WINDOW_BYTES), 0);
        let read = self.file.read(self.section, first * KEY_BYTES, &mut self.window.bytes, self.how);
        if read.is_err() {
            self.window.bytes.clear();
        }
        read
    }
}

impl Iterator for KeysWithin<'_> {
    type Item = Result<u64, SidecarError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (number, next) = match self.direction {
            Direction::Forward if self.at < self.count => (self.at, self.at + 1),
            Direction::Forward => return None,
            Direction::Backward => self.at.checked_sub(1).map(|before| (before, before))?,
        };
        match self.key(number) {
            Ok(key) if !self.within.contains(&key) => None,
            Ok(key) => {
                self.at = next;
                Some(Ok(key))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl Window {
    fn keys(&self) -> &[[u8; 8]] {
        self.bytes.as_chunks().0
    }

    fn key(&self, number: u64) -> Option<u64> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.keys().get(at).map(|&bytes| u64::from_le_bytes(bytes))
    }
}

/// `count * part / whole`, at most `count`.
fn share(count: u64, part: u64, whole: u64) -> u64 {
    let share = u128::from(count) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(u64::MAX).min(count)
}
