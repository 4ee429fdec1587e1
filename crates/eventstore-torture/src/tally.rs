//! What was tried, and what was seen.

use std::{collections::BTreeMap, fmt};

/// Counts of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Workloads that were run, with faults or without.
    pub workloads: u64,
    /// Moments of a run at which the power went out, once for each choice of what survived it.
    pub crash_points: u64,
    /// Of those: how many left a state that had been recovered from before.
    pub repeated_states: u64,
    /// How often a store was opened.
    pub openings: u64,
    /// How many of the openings were interrupted by the next crash.
    pub interrupted_openings: u64,
    /// How many of the openings found an archive.
    pub archives: u64,
    /// How often a torn tail was cut off.
    pub torn_tails: u64,
    /// How often damage was found where there was some.
    pub corruptions: u64,
    /// Bits that were flipped, one at a time.
    pub flips: u64,
    /// Files that were cut off.
    pub prefixes: u64,
    /// How many faults there were of which kind.
    pub faults: BTreeMap<String, u64>,
}

impl Tally {
    /// Adds another count to this one.
    pub fn add(&mut self, other: &Self) {
        self.workloads += other.workloads;
        self.crash_points += other.crash_points;
        self.repeated_states += other.repeated_states;
        self.openings += other.openings;
        self.interrupted_openings += other.interrupted_openings;
        self.archives += other.archives;
        self.torn_tails += other.torn_tails;
        self.corruptions += other.corruptions;
        self.flips += other.flips;
        self.prefixes += other.prefixes;
        for (kind, count) in &other.faults {
            *self.faults.entry(kind.clone()).or_default() += count;
        }
    }

    /// Counts a fault.
    pub fn fault(&mut self, kind: impl Into<String>) {
        *self.faults.entry(kind.into()).or_default() += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repeated = format!("{} of them left a state that had been recovered from", self.repeated_states);
        writeln!(f, "{:>12}  workloads", self.workloads)?;
        writeln!(f, "{:>12}  crash points; {repeated}", self.crash_points)?;
        writeln!(f, "{:>12}  openings, {} of them interrupted", self.openings, self.interrupted_openings)?;
        writeln!(f, "{:>12}  openings found an archive", self.archives)?;
        writeln!(f, "{:>12}  torn tails cut off", self.torn_tails)?;
        writeln!(f, "{:>12}  reports of corruption, where there was some", self.corruptions)?;
        writeln!(f, "{:>12}  bits flipped", self.flips)?;
        writeln!(f, "{:>12}  files cut off", self.prefixes)?;
        writeln!(f, "{:>12}  faults", self.faults.values().sum::<u64>())?;
        for (kind, count) in &self.faults {
            writeln!(f, "{count:>16}  {kind}")?;
        }
        Ok(())
    }
}
