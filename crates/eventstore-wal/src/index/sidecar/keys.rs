use std::ops::{Range, RangeInclusive};

use eventstore_api::Direction;

use super::{Section, SidecarError, SidecarFile, Wait, file::at_most};

/// How much is read at a time. That is 1,024 keys of 8 bytes: where hashes are spread evenly, a guess among a million keys is
/// off by 500 or fewer in two of three cases.
const WINDOW_BYTES: usize = 8 << 10;
/// Where this many guesses miss, keys are not spread evenly. What is left is then halved.
const GUESSES: u32 = 2;

/// Keys that rise, in a section: of 8 bytes or of 4.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) section: Section,
    /// Which entries of the section they are.
    pub(super) numbers: Range<u64>,
    /// About what the largest can be, for guessing where one lies.
    pub(super) about_most: u64,
}

/// The keys that lie in a range, in a direction.
pub(super) struct KeysWithin<'f> {
    file: &'f SidecarFile,
    keys: Keys,
    within: RangeInclusive<u64>,
    direction: Direction,
    how: Wait,
    /// The number of the next key; backward, of the key after it.
    at: u64,
    window: Window,
}

/// Entries that are in memory, and the number of the first of them.
struct Window {
    width: usize,
    first: u64,
    bytes: Vec<u8>,
}

impl<'f> KeysWithin<'f> {
    pub(super) fn new(
        file: &'f SidecarFile,
        keys: Keys,
        within: RangeInclusive<u64>,
        direction: Direction,
        how: Wait,
    ) -> Result<Self, SidecarError> {
        let window = Window { width: keys.section.entry_bytes(), first: 0, bytes: Vec::new() };
        let at = keys.numbers.end;
        let mut keys = Self { file, keys, within, direction, how, at, window };
        let seek = match direction {
            Direction::Forward => Some(*keys.within.start()),
            Direction::Backward => keys.within.end().checked_add(1),
        };
        if let Some(key) = seek {
            keys.at = keys.first_not_below(key)?;
        }
        Ok(keys)
    }

    /// The number of the first key that is not below this one; beyond the last when all are.
    fn first_not_below(&mut self, key: u64) -> Result<u64, SidecarError> {
        // What is sought lies at `low` or after it, and at `high` or before it.
        let Range { start: mut low, end: mut high } = self.keys.numbers;
        let (mut low_key, mut high_key) = (0, self.keys.about_most);
        let mut missed = 0;
        while low < high {
            let guess = match missed < GUESSES {
                true => {
                    low + share(high - low, key.saturating_sub(low_key), high_key.saturating_sub(low_key))
                }
                false => low + (high - low) / 2,
            };
            let most = self.window.most();
            let latest = high.saturating_sub(most).max(low);
            let first = guess.saturating_sub(most / 2).clamp(low, latest);
            self.load(first, high)?;
            let count = self.window.count();
            let below = self.window.count_below(key);
            if below == 0 && first > low {
                (high, high_key) = (first, self.window.key(first).unwrap_or_default());
            } else if below == count {
                low = first + below;
                low_key = self.window.key(low - 1).unwrap_or_default();
            } else {
                return Ok(first + below);
            }
            missed += 1;
        }
        Ok(low)
    }

    fn key(&mut self, number: u64) -> Result<u64, SidecarError> {
        if let Some(key) = self.window.key(number) {
            return Ok(key);
        }
        let Range { start, end } = self.keys.numbers;
        match self.direction {
            Direction::Forward => self.load(number, end)?,
            Direction::Backward => {
                self.load((number + 1).saturating_sub(self.window.most()).max(start), number + 1)?;
            }
        }
        // Loaded just now.
        Ok(self.window.key(number).unwrap_or_default())
    }

    /// Reads entries from a number on, as many as fit and none beyond `end`.
    fn load(&mut self, first: u64, end: u64) -> Result<(), SidecarError> {
        let width = self.window.width as u64;
        self.window.first = first;
        self.window.bytes.resize(at_most((end - first).saturating_mul(width), WINDOW_BYTES), 0);
        let begin = first.saturating_mul(width);
        let read = self.file.read(self.keys.section, begin, &mut self.window.bytes, self.how);
        if read.is_err() {
            self.window.bytes.clear();
        }
        read
    }
}

impl Iterator for KeysWithin<'_> {
    /// The number of a key, and the key.
    type Item = Result<(u64, u64), SidecarError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Range { start, end } = self.keys.numbers;
        let (number, next) = match self.direction {
            Direction::Forward if self.at < end => (self.at, self.at + 1),
            Direction::Backward if self.at > start => (self.at - 1, self.at - 1),
            _ => return None,
        };
        match self.key(number) {
            Ok(key) if !self.within.contains(&key) => None,
            Ok(key) => {
                self.at = next;
                Some(Ok((number, key)))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl KeysWithin<'_> {
    /// The key after the one with this number, wherever it lies; `None` when that is the last.
    pub(super) fn key_after(&mut self, number: u64) -> Result<Option<u64>, SidecarError> {
        match number + 1 < self.keys.numbers.end {
            true => self.key(number + 1).map(Some),
            false => Ok(None),
        }
    }
}

impl Window {
    fn most(&self) -> u64 {
        (WINDOW_BYTES / self.width) as u64
    }

    fn count(&self) -> u64 {
        (self.bytes.len() / self.width) as u64
    }

    fn key(&self, number: u64) -> Option<u64> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        match self.width {
            8 => self.wide().get(at).map(|&bytes| u64::from_le_bytes(bytes)),
            _ => self.narrow().get(at).map(|&bytes| u32::from_le_bytes(bytes).into()),
        }
    }

    fn count_below(&self, key: u64) -> u64 {
        let below = match self.width {
            8 => self.wide().partition_point(|&bytes| u64::from_le_bytes(bytes) < key),
            _ => self.narrow().partition_point(|&bytes| u64::from(u32::from_le_bytes(bytes)) < key),
        };
        below as u64
    }

    fn wide(&self) -> &[[u8; 8]] {
        self.bytes.as_chunks().0
    }

    fn narrow(&self) -> &[[u8; 4]] {
        self.bytes.as_chunks().0
    }
}

/// `count * part / whole`, at most `count`.
fn share(count: u64, part: u64, whole: u64) -> u64 {
    let share = u128::from(count) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(u64::MAX).min(count)
}
