//! Reading both stores, and comparing.

use eventstore_api::{GlobalPosition, ReadAll, RecordedEvent};
use futures_util::future::join;
use tokio::{sync::watch, task::yield_now};

use crate::{
    Difference, Migration, MigrationError, MigrationPhase, Verified,
    copy_state::CopyState,
    digest::Digester,
    kept::Kept,
    snapshots::{Names, compare, look_for_missing},
    walk::Walk,
};

/// How many events are compared before whoever copies beside it has a turn: a server that stores would wait for its next bytes.
const AT_ONCE: u64 = 128;

/// Compares everything in the target.
pub(crate) async fn verify(migration: &Migration<'_>) -> Result<Verified, MigrationError> {
    let head = migration.target.head().await.map_err(MigrationError::Target)?;
    let mut seen = Seen::default();
    seen.compare(migration, head).await?;
    seen.verified(migration).await
}

/// How far two stores were compared, and are the same. It is right after every event, so that a comparison which failed, or was
/// dropped, can be gone on with.
pub(crate) struct Seen {
    pub(crate) events: u64,
    pub(crate) head: GlobalPosition,
    digester: Digester,
}

impl Default for Seen {
    fn default() -> Self {
        Self { events: 0, head: GlobalPosition::START, digester: Digester::new() }
    }
}

impl Seen {
    /// Compares the events behind what was compared, up to this position: so far the target is to go.
    pub(crate) async fn compare(
        &mut self,
        migration: &Migration<'_>,
        head: GlobalPosition,
    ) -> Result<(), MigrationError> {
        let tell = |position| migration.teller().tell(MigrationPhase::Verifying, position, head);
        match self.compare_telling(migration, head, None, tell).await? {
            Some(position) => Err(MigrationError::Differs(Difference::NotInTarget { position })),
            None => Ok(()),
        }
    }

    /// Compares what was copied; what was copied once more is compared once more, too.
    pub(crate) async fn compare_copied(
        &mut self,
        migration: &Migration<'_>,
        copied: CopyState,
    ) -> Result<(), MigrationError> {
        if let Some(behind) = copied.again_behind.filter(|behind| *behind < self.head) {
            // Counted it is already, and so it is in the digest: the source is what it was.
            let mut again = Self { head: behind, ..Self::default() };
            again.compare(migration, self.head).await?;
        }
        self.compare(migration, copied.head()).await
    }

    /// The same while it is copied, with what is kept of that. It tells nothing until all of it is, since who copies does.
    pub(crate) async fn compare_arriving(
        &mut self,
        migration: &Migration<'_>,
        mut arriving: watch::Receiver<CopyState>,
        kept: &Kept,
    ) -> Result<(), MigrationError> {
        loop {
            let head = arriving.borrow_and_update().head();
            let tell = |position| {
                let is_copied = arriving.has_changed().is_err();
                if is_copied {
                    migration.teller().tell(MigrationPhase::Verifying, position, head);
                }
            };
            // Where the target ends early, it may have lost its last events: they are on their way once more.
            self.compare_telling(migration, head, Some(kept), tell).await?;
            if arriving.changed().await.is_err() {
                break;
            }
        }
        let copied = *arriving.borrow();
        self.compare_copied(migration, copied).await
    }

    /// Compares as far as the target goes. Where that is not up to this position: which event of the source should come next.
    async fn compare_telling(
        &mut self,
        migration: &Migration<'_>,
        head: GlobalPosition,
        kept: Option<&Kept>,
        tell: impl Fn(GlobalPosition),
    ) -> Result<Option<GlobalPosition>, MigrationError> {
        let Migration { source, target, page, .. } = migration;
        let mut source = Walk::new(*source, self.head, *page).with(kept);
        let mut target = Walk::new(*target, self.head, *page);
        let is_due = |event: &RecordedEvent| event.position <= head;
        // Not a look further: what comes behind it is another's, and may be a page that was read for nothing.
        while self.head < head {
            if source.is_empty() || target.is_empty() {
                let (from, to) = join(source.fill(), target.fill()).await;
                from.map_err(MigrationError::Source)?;
                to.map_err(MigrationError::Target)?;
            }
            let from = source.next().filter(is_due);
            let Some(to) = target.next().filter(is_due) else {
                return Ok(from.map(|missing| missing.position));
            };
            let position = to.position;
            let difference = match from {
                Some(from) if from.position == position => Difference::between(&from, &to),
                Some(from) if from.position < position => {
                    Some(Difference::NotInTarget { position: from.position })
                }
                _ => Some(Difference::NotInSource { position }),
            };
            if let Some(difference) = difference {
                return Err(MigrationError::Differs(difference));
            }
            self.digester.event(&to);
            (self.events, self.head) = (self.events + 1, position);
            if target.is_empty() {
                tell(position);
            }
            if self.events.is_multiple_of(AT_ONCE) {
                yield_now().await;
            }
        }
        Ok(None)
    }

    /// Compares the snapshots too, and says what all of it came to.
    pub(crate) async fn verified(&self, migration: &Migration<'_>) -> Result<Verified, MigrationError> {
        let names = Names::of(migration.target);
        let mut digester = self.digester.clone();
        let mut behind = 0;
        let same = compare(migration, names, Some(&mut digester), |_| behind += 1).await?;
        look_for_missing(migration, |_| false, |_| behind += 1).await?;
        let source_head = migration.source.head().await.map_err(MigrationError::Source)?;
        // One that is damaged has a last event that can be read, and only whoever wants what lies behind it is told.
        let more = ReadAll::after(self.head).limit(1);
        migration.source.read_all(&more).await.map_err(MigrationError::Source)?;
        Ok(Verified {
            events: self.events,
            snapshots: same,
            snapshots_behind: behind,
            head: self.head,
            source_head,
            digest: digester.finish(),
        })
    }
}
