use eventstore_api::GlobalPosition;

use crate::damage::Damage;

/// What was found when a store was opened, and what was done about it.
///
/// After a clean close `was_closed` is true, `head` says where the log ends, and everything else is as in
/// [`RecoveryReport::default`], unless files were lost or damaged meanwhile.
///
/// ```
/// use eventstore_wal::WalBackend;
///
/// # let directory = tempfile::tempdir()?;
/// let path = directory.path().join("store");
/// drop(WalBackend::production(&path)?);
/// let store = WalBackend::production(&path)?;
/// assert!(store.recovery().was_closed);
/// assert_eq!(store.recovery().torn_tail, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// The position of the last event.
    pub head: GlobalPosition,
    /// Whether the store had been closed in good order.
    pub was_closed: bool,
    /// How many events were read again because nothing said what they were.
    pub events_scanned: u64,
    /// The end of an append that was interrupted: cut off, and kept in a file of its own.
    pub torn_tail: Option<TornTail>,
    /// How many bytes were not known to be durable, and were written again.
    pub bytes_rewritten: u64,
    /// How many indexes of sealed segments were missing or damaged, and were built anew.
    pub indexes_rebuilt: u64,
    /// Snapshots that were not what was written. They are left out: a state can be made anew from events.
    pub snapshots_lost: Vec<Damage>,
}

/// Bytes behind the last whole frame. Nothing of them had been acknowledged as durable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TornTail {
    /// The file that they were in.
    pub file: String,
    /// Where they began, in bytes.
    pub offset: u64,
    /// How many there were.
    pub bytes: u64,
    /// The file that they are in now.
    pub quarantine: String,
    /// What was wrong with the first frame of them.
    pub detail: String,
}
