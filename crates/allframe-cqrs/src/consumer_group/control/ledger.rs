use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ParkedChange, ParkedEntry};

/// The parked events of one partition, as its `parked` stream adds up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::consumer_group) struct Ledger {
    entries: BTreeMap<u64, ParkedEntry>,
    by_key: BTreeMap<String, BTreeSet<u64>>,
    replaying: BTreeSet<String>,
}

/// A ledger as a snapshot keeps it.
#[derive(Serialize, Deserialize)]
pub(super) struct LedgerContent {
    entries: Vec<ParkedEntry>,
    replaying: BTreeSet<String>,
}

impl Ledger {
    pub(in crate::consumer_group) fn apply(&mut self, change: ParkedChange) {
        match change {
            ParkedChange::Parked(entry) => self.insert(entry),
            ParkedChange::ParkedAgain { position, attempts, reason } => {
                if let Some(entry) = self.entries.get_mut(&position) {
                    (entry.attempts, entry.reason) = (attempts, reason);
                    self.replaying.remove(&entry.key);
                }
            }
            ParkedChange::Replay { key } => {
                if self.holds(&key) {
                    self.replaying.insert(key);
                }
            }
            ParkedChange::Resolved { position } | ParkedChange::Discarded { position } => {
                self.remove(position);
            }
        }
    }

    /// Whether events of this key are parked, so that no later one may be delivered before them.
    pub(in crate::consumer_group) fn holds(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    pub(in crate::consumer_group) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(in crate::consumer_group) fn entry(&self, position: u64) -> Option<&ParkedEntry> {
        self.entries.get(&position)
    }

    /// The entries, from old to new.
    pub(in crate::consumer_group) fn entries(&self) -> impl Iterator<Item = &ParkedEntry> {
        self.entries.values()
    }

    pub(in crate::consumer_group) fn is_replaying(&self, key: &str) -> bool {
        self.replaying.contains(key)
    }

    /// Of each key that is to be delivered again, the event whose turn it is.
    pub(in crate::consumer_group) fn due(&self) -> impl Iterator<Item = &ParkedEntry> {
        self.replaying.iter().filter_map(|key| self.entries.get(self.by_key.get(key)?.first()?))
    }

    fn insert(&mut self, entry: ParkedEntry) {
        if !self.entries.contains_key(&entry.position) {
            self.by_key.entry(entry.key.clone()).or_default().insert(entry.position);
            self.entries.insert(entry.position, entry);
        }
    }

    fn remove(&mut self, position: u64) {
        let Some(entry) = self.entries.remove(&position) else { return };
        if let Some(positions) = self.by_key.get_mut(&entry.key) {
            positions.remove(&position);
            if positions.is_empty() {
                self.by_key.remove(&entry.key);
                self.replaying.remove(&entry.key);
            }
        }
    }

    pub(super) fn content(&self) -> LedgerContent {
        LedgerContent { entries: self.entries.values().cloned().collect(), replaying: self.replaying.clone() }
    }
}

impl From<LedgerContent> for Ledger {
    fn from(content: LedgerContent) -> Self {
        let mut ledger = Self::default();
        content.entries.into_iter().for_each(|entry| ledger.insert(entry));
        ledger.replaying = content.replaying;
        ledger
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, ParkedChange, ParkedEntry};
    use crate::consumer_group::ParkedCause;

    fn parked(position: u64, key: &str) -> ParkedChange {
        ParkedChange::Parked(ParkedEntry {
            position,
            stream: "s".into(),
            version: position,
            key: key.into(),
            cause: ParkedCause::Failed,
            attempts: 1,
            reason: "no".into(),
            since: 0,
        })
    }

    fn replay(key: &str) -> ParkedChange {
        ParkedChange::Replay { key: key.into() }
    }

    fn after(changes: impl IntoIterator<Item = ParkedChange>) -> Ledger {
        changes.into_iter().fold(Ledger::default(), |mut ledger, change| {
            ledger.apply(change);
            ledger
        })
    }

    #[test]
    fn a_key_is_replayed_from_its_oldest_event_until_none_is_left() {
        let mut ledger = after([parked(1, "a"), parked(2, "b"), parked(3, "a"), replay("a")]);
        let due = |ledger: &Ledger| ledger.due().map(|entry| entry.position).collect::<Vec<_>>();
        assert_eq!(due(&ledger), [1]);
        ledger.apply(ParkedChange::Resolved { position: 1 });
        assert_eq!(due(&ledger), [3]);
        ledger.apply(ParkedChange::Resolved { position: 3 });
        assert!(due(&ledger).is_empty() && !ledger.holds("a") && ledger.holds("b"));
    }

    #[test]
    fn an_event_that_was_discarded_is_not_parked_again() {
        let discarded = ParkedChange::Discarded { position: 1 };
        let again = ParkedChange::ParkedAgain { position: 1, attempts: 9, reason: "again".into() };
        assert_eq!(after([parked(1, "a"), replay("a"), discarded, again]).len(), 0);
    }

    #[test]
    fn a_replay_that_failed_has_ended() {
        let again = ParkedChange::ParkedAgain { position: 1, attempts: 9, reason: "again".into() };
        let ledger = after([parked(1, "a"), replay("a"), again]);
        assert!(!ledger.is_replaying("a"));
        assert_eq!(ledger.entry(1).map(|entry| entry.attempts), Some(9));
    }

    #[test]
    fn a_snapshot_of_it_holds_all_of_it() {
        let ledger = after([parked(1, "a"), parked(2, "b"), replay("b")]);
        assert_eq!(Ledger::from(ledger.content()), ledger);
    }
}
