//! What goes wrong besides crashes, and when.

use super::random::Random;

/// A plan of faults; the same plan on the same workload makes the same faults.
///
/// Operations of one kind are counted from 0 on, from the moment the plan was given to the disk. Where several entries
/// meet one operation, the first one counts.
///
/// ```
/// use eventstore_wal::disk::faulty::{FaultyDisk, Faults, SyncFault, When, WriteFault};
///
/// let disk = FaultyDisk::new();
/// disk.set_faults(
///     Faults::new(7)
///         .on_write(When::OneIn(3), WriteFault::Short)
///         .on_sync(When::Nth(2), SyncFault::Broken)
///         .capacity(64 * 1024),
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct Faults {
    seed: u64,
    capacity: Option<usize>,
    reads: Vec<(When, ReadFault)>,
    writes: Vec<(When, WriteFault)>,
    syncs: Vec<(When, SyncFault)>,
    changes: Vec<(When, ChangeFault)>,
    uncached: Vec<(When, ())>,
}

/// Which operations a fault meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// This one of its kind, counted from 0.
    Nth(u64),
    /// The one at this boundary, see [`FaultyDisk::boundaries`](super::FaultyDisk::boundaries); for a read: those before it.
    Boundary(u64),
    /// One in so many of its kind, by chance; 1 is every one, 0 is none.
    OneIn(u32),
}

/// What can go wrong with a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// Fewer bytes than asked for, but at least one.
    Short,
    /// Nothing happens but [`Interrupted`](std::io::ErrorKind::Interrupted).
    Interrupted,
    /// It fails.
    Broken,
}

/// What can go wrong with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFault {
    /// Fewer bytes than given are taken, but at least one.
    Short,
    /// Nothing happens but [`Interrupted`](std::io::ErrorKind::Interrupted).
    Interrupted,
    /// No space is left; nothing is written.
    Full,
    /// It fails, after some of it may have been written.
    Broken,
    /// It succeeds, and can be read; but the device dropped it, and no sync will bring it back.
    Lost,
    /// It succeeds, and lands at this offset.
    Misplaced(u64),
}

/// What can go wrong with a sync, of a file or of the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncFault {
    /// Nothing happens but [`Interrupted`](std::io::ErrorKind::Interrupted).
    Interrupted,
    /// It fails as on Linux: what was written can still be read, but the system takes it for clean. The next sync succeeds
    /// without writing it. How much of it reached the disk before the failure, a crash will show. Names and lengths stay
    /// unsynced, and the next sync makes them durable.
    Broken,
}

/// What can go wrong with creating, renaming or removing a file and with setting its length. Nothing happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeFault {
    /// No space is left.
    Full,
    /// It fails.
    Broken,
}

impl Faults {
    /// No faults yet. The seed decides what is left to chance.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// The disk has room for so many bytes, counted in blocks of 4096 that were written to: holes are free, as on Linux,
    /// so a length that was set reserves nothing. A write that does not fit is short, or fails.
    #[must_use]
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.capacity = Some(bytes);
        self
    }

    /// A fault of a read.
    #[must_use]
    pub fn on_read(mut self, when: When, fault: ReadFault) -> Self {
        self.reads.push((when, fault));
        self
    }

    /// A fault of a write.
    #[must_use]
    pub fn on_write(mut self, when: When, fault: WriteFault) -> Self {
        self.writes.push((when, fault));
        self
    }

    /// A fault of a sync, of a file or of the names.
    #[must_use]
    pub fn on_sync(mut self, when: When, fault: SyncFault) -> Self {
        self.syncs.push((when, fault));
        self
    }

    /// A fault of a change of names or lengths.
    #[must_use]
    pub fn on_change(mut self, when: When, fault: ChangeFault) -> Self {
        self.changes.push((when, fault));
        self
    }

    /// Reads that may not wait for the disk are told they would have to.
    #[must_use]
    pub fn uncached(mut self, when: When) -> Self {
        self.uncached.push((when, ()));
        self
    }
}

/// A plan under way.
#[derive(Clone, Debug)]
pub(super) struct Running {
    plan: Faults,
    random: Random,
    counts: Counts,
}

#[derive(Clone, Debug, Default)]
struct Counts {
    reads: u64,
    writes: u64,
    syncs: u64,
    changes: u64,
    cached: u64,
}

impl Running {
    pub(super) fn new(plan: Faults) -> Self {
        Self { random: Random::new(plan.seed), plan, counts: Counts::default() }
    }

    pub(super) fn capacity(&self) -> Option<usize> {
        self.plan.capacity
    }

    pub(super) fn read(&mut self, boundary: u64) -> Option<ReadFault> {
        due(&self.plan.reads, &mut self.counts.reads, boundary, &mut self.random)
    }

    pub(super) fn write(&mut self, boundary: u64) -> Option<WriteFault> {
        due(&self.plan.writes, &mut self.counts.writes, boundary, &mut self.random)
    }

    pub(super) fn sync(&mut self, boundary: u64) -> Option<SyncFault> {
        due(&self.plan.syncs, &mut self.counts.syncs, boundary, &mut self.random)
    }

    pub(super) fn change(&mut self, boundary: u64) -> Option<ChangeFault> {
        due(&self.plan.changes, &mut self.counts.changes, boundary, &mut self.random)
    }

    pub(super) fn is_cached(&mut self, boundary: u64) -> bool {
        due(&self.plan.uncached, &mut self.counts.cached, boundary, &mut self.random).is_none()
    }

    /// A part of so many bytes: at least one where there is one, and not all where there are two.
    pub(super) fn part(&mut self, length: usize) -> usize {
        if length < 2 { length } else { 1 + self.random.below(length - 1) }
    }

    /// Anything from nothing, which is likely, to all of so many bytes.
    pub(super) fn some(&mut self, length: usize) -> usize {
        if self.random.below(4) == 0 { 0 } else { self.random.below(length + 1) }
    }
}

fn due<F: Copy>(plan: &[(When, F)], count: &mut u64, boundary: u64, random: &mut Random) -> Option<F> {
    let number = *count;
    *count += 1;
    let mut is_due = |when| match when {
        When::Nth(nth) => nth == number,
        When::Boundary(wanted) => wanted == boundary,
        When::OneIn(0) => false,
        When::OneIn(many) => random.below(many as usize) == 0,
    };
    plan.iter().find(|(when, _)| is_due(*when)).map(|(_, fault)| *fault)
}
