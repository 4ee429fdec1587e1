use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use foldhash::{SharedSeed, quality::FoldHasher};

/// Hashes an entry of an index to 128 bits, otherwise in each run: what is damaged was damaged before its seeds were drawn, and
/// cannot be such that it escapes them.
#[derive(Debug)]
pub(super) struct EntryHash([Seed; 2]);

impl EntryHash {
    pub(super) fn of_chance() -> Self {
        Self([Seed::of_chance(), Seed::of_chance()])
    }

    fn of(&self, key: &[u8], value: &[u8]) -> u128 {
        let [front, back] = self.0.each_ref().map(|seed| u128::from(seed.hash(key, value)));
        (front << u64::BITS) | back
    }
}

/// Seeds of one half of a hash. A half shares none with the other one: they would miss the same.
#[derive(Debug)]
struct Seed {
    start: u64,
    shared: SharedSeed,
}

impl Seed {
    fn of_chance() -> Self {
        // The standard library begins with chance that the system gives; foldhash makes its own of addresses and the clock.
        let chance = || RandomState::new().build_hasher().finish();
        Self { start: chance(), shared: SharedSeed::from_u64(chance()) }
    }

    fn hash(&self, key: &[u8], value: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.start, &self.shared);
        // With their lengths, as slices are hashed: no end of a key is taken for the beginning of a value.
        (key, value).hash(&mut hasher);
        hasher.finish()
    }
}

/// How many entries there are, and the sum of their hashes. Two lists of entries have the same one where they hold the same
/// entries, in whatever order, each as often.
///
/// Other lists have the same one by chance alone: one in about 2^128, as far as the hash is as good as chance. Nobody waits for that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EntrySum {
    entries: u64,
    hashes: u128,
}

impl EntrySum {
    pub(super) fn add(&mut self, hash: &EntryHash, key: &[u8], value: &[u8]) {
        self.entries += 1;
        // A sum, and no exclusive or, in which an entry that is there twice would be as one that is not there.
        self.hashes = self.hashes.wrapping_add(hash.of(key, value));
    }

    pub(super) fn entries(self) -> u64 {
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Entry = (&'static str, &'static str);

    const ENTRIES: [Entry; 4] =
        [("one", "1"), ("two", "2"), ("three", ""), ("a longer key than a short one", "4")];

    fn sum(hash: &EntryHash, entries: impl IntoIterator<Item = Entry>) -> EntrySum {
        let mut sum = EntrySum::default();
        for (key, value) in entries {
            sum.add(hash, key.as_bytes(), value.as_bytes());
        }
        sum
    }

    /// That these are told from [`ENTRIES`] by their hashes, where there are as many, and by their number, where there are not.
    #[track_caller]
    fn differ(others: &[Entry]) {
        let hash = EntryHash::of_chance();
        let (ours, theirs) = (sum(&hash, ENTRIES), sum(&hash, others.iter().copied()));
        assert_ne!(ours.hashes, theirs.hashes);
        assert_eq!(ours.entries() == theirs.entries(), ENTRIES.len() == others.len());
        assert_ne!(ours, theirs);
    }

    #[test]
    fn the_order_of_entries_does_not_matter() {
        let hash = EntryHash::of_chance();
        assert_eq!(sum(&hash, ENTRIES), sum(&hash, ENTRIES.into_iter().rev()));
    }

    #[test]
    fn a_missing_and_a_doubled_entry_are_seen() {
        let [one, two, three, four] = ENTRIES;
        differ(&[one, two, three]);
        differ(&[]);
        differ(&[one, two, three, four, four]);
        // Twice more, which an exclusive or would not see.
        differ(&[one, two, three, four, four, four]);
        // As many as before.
        differ(&[one, two, three, three]);
    }

    #[test]
    fn another_key_and_another_value_are_seen() {
        let [one, two, three, four] = ENTRIES;
        differ(&[one, two, ("throe", ""), four]);
        differ(&[one, two, ("three", "3"), four]);
        differ(&[one, two, three, ("a longer key than a short two", "4")]);
    }

    #[test]
    fn values_that_are_exchanged_are_seen() {
        let [(one, its), (two, of_two), three, four] = ENTRIES;
        differ(&[(one, of_two), (two, its), three, four]);
    }

    #[test]
    fn where_a_key_ends_and_its_value_begins_is_seen() {
        let [_, two, three, four] = ENTRIES;
        differ(&[("one1", ""), two, three, four]);
        differ(&[("on", "e1"), two, three, four]);
    }

    #[test]
    fn an_entry_of_zeros_has_a_hash_of_its_length() {
        let hash = EntryHash::of_chance();
        let mut hashes: Vec<u128> = (0..=64).map(|length| hash.of(&vec![0; length], b"")).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 65);
    }

    #[test]
    fn no_run_hashes_as_another_and_no_half_as_the_other() {
        let (hash, other) = (EntryHash::of_chance(), EntryHash::of_chance());
        assert_ne!(sum(&hash, ENTRIES), sum(&other, ENTRIES));
        let [front, back] = hash.0.each_ref().map(|seed| seed.hash(b"one", b"1"));
        assert_ne!(front, back);
    }
}
