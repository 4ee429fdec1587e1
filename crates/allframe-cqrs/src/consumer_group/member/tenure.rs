use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use eventstore_api::{GlobalPosition, RecordedEvent, Timestamp, Version};
use tokio::time::Instant;

use super::{
    LONGEST_WAIT,
    lanes::{Item, Lanes},
    message::{Receipt, Verdict},
    window::Window,
};
use crate::{
    Recorded,
    consumer_group::{
        MemberId, ParkedCause, RetryPolicy,
        control::{LedgerFile, ParkedChange, ParkedEntry, PartitionState},
    },
};

/// Longest reason that is kept, in bytes.
const MAX_REASON_BYTES: usize = 1_024;

/// A partition while a member holds it.
pub(super) struct Tenure<E> {
    /// Unlike that of any other tenure of the member.
    pub(super) serial: u64,
    /// The version of the partition's control stream that the next write expects.
    pub(super) version: Version,
    pub(super) window: Window,
    pub(super) lanes: Lanes<E>,
    pub(super) file: LedgerFile,
    /// Since when it is about to be given up: nothing more goes out.
    pub(super) draining_since: Option<Instant>,
    pub(super) is_lost: Arc<AtomicBool>,
    /// How often events that are open or being replayed have failed.
    failures: BTreeMap<GlobalPosition, u32>,
    /// What changed among the parked events and is not written yet.
    pending: Vec<ParkedChange>,
    /// How many events were settled, and not in a checkpoint yet.
    unsaved: usize,
    /// The checkpoint that was written last.
    saved: GlobalPosition,
    is_dirty: bool,
}

impl<E> Tenure<E> {
    pub(super) fn new(serial: u64, version: Version, state: &PartitionState, file: LedgerFile) -> Self {
        let failures = state.failures.iter();
        Self {
            serial,
            version,
            window: Window::new(state.checkpoint, &state.settled),
            lanes: Lanes::new(),
            file,
            draining_since: None,
            is_lost: Arc::new(AtomicBool::new(false)),
            failures: failures.map(|(position, count)| (GlobalPosition::new(*position), *count)).collect(),
            pending: Vec::new(),
            unsaved: 0,
            saved: GlobalPosition::new(state.checkpoint),
            is_dirty: false,
        }
    }

    /// Takes an event in that was just read.
    pub(super) fn take(&mut self, key: String, item: Item<E>) {
        if !self.window.open(item.record.position) {
            return;
        }
        if item.is_nothing() {
            self.window.settle(item.record.position);
            self.is_dirty = true;
        } else if self.file.ledger.holds(&key) {
            let reason = "an earlier event of its key is parked".to_owned();
            self.park(&item.record, key, ParkedCause::Behind, 0, reason);
        } else {
            self.lanes.push(&key.into(), item);
        }
    }

    /// Takes an event in that was parked and is delivered again.
    pub(super) fn take_again(&mut self, key: String, item: Item<E>) {
        if item.is_nothing() {
            self.change(ParkedChange::Resolved { position: item.record.position.get() });
        } else {
            self.lanes.push(&key.into(), item);
        }
    }

    /// Sends out the next event, if there is one whose turn it is; and which attempt that is.
    pub(super) fn start(&mut self) -> Option<(Arc<str>, Arc<Recorded<E>>, u32)> {
        while self.draining_since.is_none() {
            let (key, item) = self.lanes.start()?;
            let position = item.record.position;
            match item.events.as_ref().map(|events| events.front().cloned()) {
                // Discarded while it waited.
                _ if item.is_replay && self.file.ledger.entry(position.get()).is_none() => {
                    self.failures.remove(&position);
                    self.lanes.finish(&key);
                }
                Ok(None) => self.lanes.finish(&key),
                Ok(Some(event)) => {
                    let attempt =
                        self.failures.get(&position).map_or(1, |failures| failures.saturating_add(1));
                    return Some((key, event, attempt));
                }
                Err(reason) => {
                    let reason = reason.clone();
                    self.give_up(&key, ParkedCause::Undecodable, 0, reason);
                }
            }
        }
        None
    }

    /// What became of an event that was out.
    pub(super) fn settle(&mut self, receipt: &Receipt, verdict: Verdict, policy: &RetryPolicy, now: Instant) {
        let Some(item) = self.lanes.first(&receipt.key, receipt.position) else { return };
        let is_replay = item.is_replay;
        self.is_dirty = true;
        match verdict {
            Verdict::Done => {
                self.failures.remove(&receipt.position);
                if self.lanes.finish_part(&receipt.key) {
                    return;
                }
                self.lanes.finish(&receipt.key);
                if is_replay {
                    self.change(ParkedChange::Resolved { position: receipt.position.get() });
                } else {
                    self.window.settle(receipt.position);
                }
                self.unsaved += 1;
            }
            Verdict::Failed(reason) => {
                let failures = self.failures.entry(receipt.position).or_default();
                *failures = failures.saturating_add(1);
                let failures = *failures;
                if failures < policy.max_attempts() {
                    self.lanes.retry_at(&receipt.key, now + policy.wait_after(failures).min(LONGEST_WAIT));
                } else {
                    self.failures.remove(&receipt.position);
                    self.give_up(&receipt.key, ParkedCause::Failed, failures, reason);
                }
            }
        }
    }

    /// Parks the event of this key that is out, and those of its lane behind it.
    fn give_up(&mut self, key: &Arc<str>, cause: ParkedCause, attempts: u32, reason: String) {
        let mut lane = self.lanes.give_up(key);
        let Some(first) = lane.pop_front() else { return };
        let position = first.record.position;
        if !first.is_replay {
            self.park(&first.record, key.to_string(), cause, attempts, reason);
        } else if let Some(entry) = self.file.ledger.entry(position.get()) {
            let attempts = entry.attempts.saturating_add(attempts);
            self.park_again(position.get(), attempts, reason);
        } else {
            // Discarded while it was out, and it has failed for the last time: it stops nobody.
            lane.into_iter().for_each(|item| self.lanes.push(key, item));
            return;
        }
        let reason = format!("the event of its key at position {position} is parked");
        for item in lane {
            self.park(&item.record, key.to_string(), ParkedCause::Behind, 0, reason.clone());
        }
    }

    /// A replay of this event has ended without success.
    pub(super) fn park_again(&mut self, position: u64, attempts: u32, reason: String) {
        self.change(ParkedChange::ParkedAgain { position, attempts, reason: kept(reason) });
        self.unsaved += 1;
    }

    fn park(
        &mut self,
        record: &RecordedEvent,
        key: String,
        cause: ParkedCause,
        attempts: u32,
        reason: String,
    ) {
        self.change(ParkedChange::Parked(ParkedEntry {
            position: record.position.get(),
            stream: record.stream.as_str().to_owned(),
            version: record.version.get(),
            key,
            cause,
            attempts,
            reason: kept(reason),
            since: Timestamp::now().as_micros(),
        }));
        self.window.settle(record.position);
        self.unsaved += 1;
    }

    fn change(&mut self, change: ParkedChange) {
        self.file.ledger.apply(change.clone());
        self.pending.push(change);
        self.is_dirty = true;
    }

    /// How many settled events no checkpoint says are so.
    pub(super) fn unsaved(&self) -> usize {
        self.unsaved
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    /// Whether its checkpoint has moved since it was written.
    pub(super) fn has_moved(&self) -> bool {
        self.window.checkpoint() > self.saved
    }

    /// All that is to be written, under this holder.
    pub(super) fn state(&self, holder: Option<MemberId>) -> PartitionState {
        let failures = self.failures.iter().map(|(position, count)| (position.get(), *count));
        PartitionState {
            holder,
            checkpoint: self.window.checkpoint().get(),
            settled: self.window.settled(),
            failures: failures.collect(),
        }
    }

    pub(super) fn pending(&self) -> &[ParkedChange] {
        &self.pending
    }

    /// All of it has been written.
    pub(super) fn saved_as(&mut self, version: Version) {
        self.version = version;
        self.saved = self.window.checkpoint();
        self.pending.clear();
        self.unsaved = 0;
        self.is_dirty = false;
    }
}

/// Whichever way it ends, the deliveries that are out learn of it.
impl<E> Drop for Tenure<E> {
    fn drop(&mut self) {
        self.is_lost.store(true, Ordering::Release);
    }
}

/// A reason as it is kept: of bounded length, and in characters that every store takes.
fn kept(reason: String) -> String {
    let mut kept: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    kept.truncate(kept.floor_char_boundary(MAX_REASON_BYTES));
    kept
}
