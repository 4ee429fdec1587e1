use std::fmt;

use eventstore_api::GlobalPosition;

use crate::damage::Damage;

/// What [`verify`](crate::verify()) found in a store.
///
/// ```
/// use eventstore_wal::VerifyReport;
///
/// let report = VerifyReport::default();
/// assert!(report.is_sound());
/// assert_eq!(report.to_string(), "0 events of 0 streams in 0 segments, 0 bytes read: sound");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// How many segments of the log there are.
    pub segments: u64,
    /// How many parts there are in the archive, which have taken the place of as many segments.
    pub parts: u64,
    /// How many events were found whole, durable or not.
    pub events: u64,
    /// Of how many streams.
    pub streams: u64,
    /// How many streams have a snapshot.
    pub snapshots: u64,
    /// How many bytes were read, indexes and all.
    pub bytes: u64,
    /// The position of the last event that was found whole.
    pub head: GlobalPosition,
    /// The files in which recovery has put what it cut off the log, of which nothing had been acknowledged as durable; or
    /// what was no file of snapshots. They can be deleted.
    pub quarantined: Vec<String>,
    /// The end of an append that was interrupted, or that a writer is at work on. It is no damage: opening the store for
    /// writing cuts it off.
    pub torn_tail: Option<TornEnd>,
    /// Where the store is not what was written: events, what says how far the log is durable, or snapshots, which can be made
    /// again from their events. What of these cannot be read counts too.
    pub damages: Vec<Damage>,
    /// Where a file is damaged, or cannot be read, that is made of others: the index of a segment. Nothing is lost; opening the store for
    /// writing makes it anew, or deleting the file does.
    pub rebuildable: Vec<Damage>,
    /// What is unusual, and no damage: a missing index, a file that was put aside and never came to its place.
    pub notes: Vec<String>,
}

impl VerifyReport {
    /// Whether every byte is as it was written, in the log as in what is made of it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damages.is_empty() && self.rebuildable.is_empty()
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, streams, segments, parts, bytes, .. } = self;
        write!(f, "{events} events of {streams} streams in ")?;
        if *parts > 0 {
            write!(f, "{parts} parts and ")?;
        }
        write!(f, "{segments} segments, {bytes} bytes read: ")?;
        match self.damages.len() + self.rebuildable.len() {
            0 => f.write_str("sound"),
            1 => f.write_str("damaged at 1 place"),
            places => write!(f, "damaged at {places} places"),
        }
    }
}

/// Bytes behind the last whole frame of the log, that nothing says were ever durable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TornEnd {
    /// The file that they are in.
    pub file: String,
    /// Where they begin, in bytes.
    pub offset: u64,
    /// How many there are.
    pub bytes: u64,
    /// What is wrong with the first frame of them.
    pub detail: String,
}

/// How far [`verify_with`](crate::verify_with) has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyProgress {
    /// How many bytes have been read.
    pub bytes_done: u64,
    /// How many there were to read at the beginning; a store that is written meanwhile becomes longer.
    pub bytes_total: u64,
    /// How many events were found whole so far.
    pub events: u64,
}
