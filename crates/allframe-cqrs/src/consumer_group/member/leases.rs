use eventstore_api::EventStoreBackend;
use tokio::time::Instant;

use super::{Member, roster::Roster, share::share_of, tenure::Tenure};
use crate::{
    Event,
    consumer_group::{
        GroupError,
        control::{ControlStream, LedgerFile, MemberNote, PartitionState, PartitionWrite, write_partitions},
    },
};

/// After how many beats a checkpoint is written though no event was settled.
const BEATS_PER_IDLE_CHECKPOINT: u64 = 20;

impl<E: Event, B: EventStoreBackend> Member<E, B> {
    /// Gives a sign of life, looks at those of others, and takes or gives up partitions.
    pub(super) async fn beat(&mut self) -> Result<(), GroupError> {
        if self.roster.is_none() {
            self.roster = Some(Roster::load(&self.core).await?);
        }
        self.renew().await?;
        if let Some(roster) = &mut self.roster {
            roster.observe(&self.core).await?;
            roster.forget_the_dead(self.core.settings.lease);
        }
        self.lose_what_others_took();
        self.read_parked_of_others().await?;
        self.beats += 1;
        if self.beats.is_multiple_of(BEATS_PER_IDLE_CHECKPOINT) {
            self.save_moved().await?;
        }
        self.balance().await
    }

    /// Gives everything up whose lease has run out: others may be at it.
    pub(super) fn give_up_expired(&mut self) {
        if Instant::now() >= *self.leased_until.borrow() && !self.tenures.is_empty() {
            tracing::warn!(member = %self.id, group = self.core.streams.name(), "the leases have run out");
            self.tenures.clear();
        }
    }

    /// The lease counts from before the sign was given, and for others from after they have read it: here it runs out first.
    async fn renew(&mut self) -> Result<(), GroupError> {
        let before = Instant::now();
        self.tell(MemberNote::Alive { member: self.id.clone() }).await?;
        self.leased_until.send_modify(|until| {
            // Under the lock of the lease: none of the deliveries of before may take the new one for its own.
            if Instant::now() >= *until {
                self.tenures.clear();
            }
            *until = before + self.core.settings.lease;
        });
        Ok(())
    }

    fn lose_what_others_took(&mut self) {
        let Some(roster) = &self.roster else { return };
        let taken: Vec<u32> = self
            .tenures
            .iter()
            .filter(|(number, tenure)| {
                roster.partition(**number).is_some_and(|seen| seen.version > tenure.version)
            })
            .map(|(number, _)| *number)
            .collect();
        taken.into_iter().for_each(|partition| self.lose(partition));
    }

    /// Takes in what was asked for by whoever replays and discards.
    async fn read_parked_of_others(&mut self) -> Result<(), GroupError> {
        let Some(roster) = &self.roster else { return Ok(()) };
        for (partition, tenure) in &mut self.tenures {
            // Not while changes of ours are to be written: they come first, and bring the others with them.
            if tenure.pending().is_empty()
                && roster.parked_version(*partition).is_some_and(|version| version > tenure.file.version())
            {
                tenure.file.catch_up(self.core.store.backend()).await?;
            }
        }
        Ok(())
    }

    /// Gives up what is more than the member's share, or takes what is missing from it.
    async fn balance(&mut self) -> Result<(), GroupError> {
        let Some(roster) = &self.roster else { return Ok(()) };
        let alive = roster.alive(self.core.settings.lease);
        let Some(share) = share_of(&self.id, &alive, self.core.partitions) else { return Ok(()) };
        let kept = self.tenures.values().filter(|tenure| tenure.draining_since.is_none()).count();
        let surplus = kept.saturating_sub(share.quota);
        let now = Instant::now();
        self.tenures
            .values_mut()
            .rev()
            .filter(|tenure| tenure.draining_since.is_none())
            .take(surplus)
            .for_each(|tenure| tenure.draining_since = Some(now));

        let of_all = (0..self.core.partitions).map(|n| (share.first + n) % self.core.partitions);
        let free = of_all.filter(|partition| !self.tenures.contains_key(partition)).filter_map(|partition| {
            let seen = roster.partition(partition)?;
            let is_held = seen
                .state
                .holder
                .as_ref()
                .is_some_and(|holder| *holder != self.id && alive.binary_search(holder).is_ok());
            (!is_held).then(|| PartitionWrite {
                partition,
                expected: seen.version,
                state: PartitionState { holder: Some(self.id.clone()), ..seen.state.clone() },
                parked: Vec::new(),
            })
        });
        let claims: Vec<_> = free.take(share.quota.saturating_sub(kept)).collect();
        if claims.is_empty() { Ok(()) } else { self.claim(claims).await }
    }

    async fn claim(&mut self, claims: Vec<PartitionWrite>) -> Result<(), GroupError> {
        let states: Vec<_> = claims.iter().map(|claim| (claim.partition, claim.state.clone())).collect();
        let written = write_partitions(&self.core.store, &self.core.streams, claims).await?;
        let mut outcome = Ok(());
        for (partition, state) in states {
            let Some(version) = written.versions.get(&partition) else { continue };
            match self.load_ledger(partition).await {
                Ok(file) => {
                    self.serial += 1;
                    self.tenures.insert(partition, Tenure::new(self.serial, *version, &state, file));
                }
                // The next beat finds it held by this member, which does not work on it, and takes it once more.
                Err(error) => outcome = Err(error),
            }
        }
        // Whatever failed: the reader is past what the partitions that were taken have to read.
        self.read_anew();
        outcome
    }

    pub(super) async fn load_ledger(&self, partition: u32) -> Result<LedgerFile, GroupError> {
        let stream = self.core.streams.id(ControlStream::Parked(partition))?;
        LedgerFile::load(self.core.store.backend(), stream).await
    }

    /// Gives up what is to be given up and has no delivery out any more, or one that takes longer than a lease.
    pub(super) async fn release_drained(&mut self) -> Result<(), GroupError> {
        let lease = self.core.settings.lease;
        let drained: Vec<u32> = self
            .tenures
            .iter()
            .filter(|(_, tenure)| {
                tenure
                    .draining_since
                    .is_some_and(|since| tenure.lanes.in_flight() == 0 || since.elapsed() >= lease)
            })
            .map(|(number, _)| *number)
            .collect();
        if drained.is_empty() { Ok(()) } else { self.release(&drained).await }
    }
}
