//! A run written down, so that it can crash at every boundary without being run again.

use std::{fmt, ops::Range, sync::Arc};

use super::{
    FaultyDisk, chooser::Chooser, faults::Faults, faults::Running, machine::Machine, operation::Operation,
    state::State,
};

/// Everything that changed a disk from [`FaultyDisk::record`] on.
///
/// Threads can share copies of it: they cost nothing.
#[derive(Clone)]
pub struct Recording {
    first: u64,
    base: State,
    operations: Arc<Vec<Operation<'static>>>,
}

impl Recording {
    pub(super) fn new(base: State, first: u64) -> Self {
        Self { first, base, operations: Arc::default() }
    }

    pub(super) fn push(&mut self, operation: Operation<'static>) {
        Arc::make_mut(&mut self.operations).push(operation);
    }

    /// The boundaries that were recorded, numbered as [`FaultyDisk::boundaries`] counts.
    #[must_use]
    pub fn boundaries(&self) -> Range<u64> {
        self.first..self.first + self.operations.len() as u64
    }

    /// All crash points, one for each boundary and one after the last, in order. Going from one to the next costs as much
    /// as the operation in between, so `skip` and `step_by` are cheap.
    #[must_use]
    pub fn crash_points(&self) -> CrashPoints {
        CrashPoints { recording: self.clone(), state: self.base.clone(), next: 0, owed: false }
    }

    /// The crash point at one boundary; the one after the last is the end of the run. Costs as much as everything before
    /// it.
    #[must_use]
    pub fn crash_point(&self, boundary: u64) -> Option<CrashPoint> {
        self.crash_points().nth(usize::try_from(boundary.checked_sub(self.first)?).ok()?)
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recording of the boundaries {:?}", self.boundaries())
    }
}

/// The crash points of a [`Recording`], one after the other.
#[derive(Clone, Debug)]
pub struct CrashPoints {
    recording: Recording,
    state: State,
    next: usize,
    /// The operation before the next one was a sync, and is still to be performed.
    owed: bool,
}

impl Iterator for CrashPoints {
    type Item = CrashPoint;

    fn next(&mut self) -> Option<CrashPoint> {
        let operations = &self.recording.operations;
        if self.next > operations.len() {
            return None;
        }
        if self.owed
            && let Some(sync) = self.next.checked_sub(1).and_then(|last| operations.get(last))
        {
            self.state.apply(sync.clone());
            if matches!(sync, Operation::SyncNames) {
                self.state.collect(|_| false);
            }
        }
        let in_flight = operations.get(self.next);
        self.owed = in_flight.is_some_and(Operation::is_sync);
        if let Some(operation) = in_flight.filter(|operation| !operation.is_sync()) {
            self.state.apply(operation.clone());
        }
        let boundary = self.recording.first + self.next as u64;
        self.next += 1;
        Some(CrashPoint { boundary, state: self.state.clone(), recording: self.recording.clone() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.recording.operations.len() + 1).saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for CrashPoints {}

/// The moment at which one operation is under way, and all before it have returned.
///
/// What had been acknowledged by then was so at a boundary not beyond this one: a workload that notes
/// [`FaultyDisk::boundaries`] after each acknowledgement has to find again, after any crash here, all that it noted with a
/// number up to [`CrashPoint::boundary`].
#[derive(Clone)]
pub struct CrashPoint {
    boundary: u64,
    state: State,
    recording: Recording,
}

impl CrashPoint {
    /// How many boundaries have been passed wholly; also the number of the one under way.
    #[must_use]
    pub fn boundary(&self) -> u64 {
        self.boundary
    }

    /// The disk after the power went out here and came back.
    pub fn crash(&self, chooser: &mut dyn Chooser) -> FaultyDisk {
        FaultyDisk::of(Machine::new(self.state.crash(chooser), 0, Running::new(Faults::default())))
    }

    /// The disk after the process was killed here. The power stays: a crash can still lose what was not synced. A write
    /// that was under way is done, a sync is not.
    #[must_use]
    pub fn kill(&self) -> FaultyDisk {
        FaultyDisk::of(Machine::new(self.state.clone(), self.boundary, Running::new(Faults::default())))
    }

    /// What was under way, in words; `None` at the end of the run.
    #[must_use]
    pub fn in_flight(&self) -> Option<String> {
        let index = usize::try_from(self.boundary.checked_sub(self.recording.first)?).ok()?;
        self.recording.operations.get(index).map(ToString::to_string)
    }
}

impl fmt::Debug for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_flight = self.in_flight().unwrap_or_else(|| "the end".to_owned());
        write!(f, "CrashPoint at boundary {}: {in_flight}", self.boundary)
    }
}
