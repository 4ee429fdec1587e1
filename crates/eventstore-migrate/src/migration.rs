use std::fmt;

use eventstore_api::EventStoreBackend;
use futures_util::future::{Either, select};

use crate::{
    CaughtUp, MigrationError, MigrationPhase, MigrationProgress, MigrationReport, Verified,
    catch_up::{Copied, catch_up, catch_up_and_compare, copy_events},
    progress::{Teller, Told},
    verify::{Seen, verify},
};

/// The move of a store to another backend. See the [crate](crate).
///
/// Its methods may be called in any order, and again: what is there already is not copied a second time. Any future of it may be
/// dropped; the new store then holds a beginning of the old one.
pub struct Migration<'a> {
    pub(crate) source: &'a dyn EventStoreBackend,
    pub(crate) target: &'a dyn EventStoreBackend,
    pub(crate) page: Page,
    told: Option<Box<Told<'a>>>,
}

/// How much is read, and stored, at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) events: usize,
    /// Of payloads.
    pub(crate) bytes: usize,
}

impl<'a> Migration<'a> {
    /// A migration of everything in `source` to `target`, which is empty, or holds what an earlier run has brought there.
    #[must_use]
    pub fn new(source: &'a dyn EventStoreBackend, target: &'a dyn EventStoreBackend) -> Self {
        Self { source, target, page: Page { events: 8_192, bytes: 8 << 20 }, told: None }
    }

    /// The same migration, in pages of at most so many events; at least one, and 8,192 where nothing is said. A page is stored
    /// together, and a few of them are in memory.
    #[must_use]
    pub fn page_events(mut self, events: usize) -> Self {
        self.page.events = events.max(1);
        self
    }

    /// The same migration, in pages whose payloads have at most so many bytes together; 8 MiB where nothing is said.
    #[must_use]
    pub fn page_bytes(mut self, bytes: usize) -> Self {
        self.page.bytes = bytes;
        self
    }

    /// The same migration, which tells after every page how far it is.
    #[must_use]
    pub fn on_progress(mut self, told: impl Fn(&MigrationProgress) + Send + Sync + 'a) -> Self {
        self.told = Some(Box::new(told));
        self
    }

    /// Copies what is missing in the target, and verifies all of it: each page is read back and compared once it is stored, while the
    /// next one is copied.
    ///
    /// # Errors
    ///
    /// As [`catch_up`](Self::catch_up) and [`verify`](Self::verify).
    pub async fn run(&self) -> Result<MigrationReport, MigrationError> {
        let mut seen = Seen::default();
        let caught_up = catch_up_and_compare(self, &mut seen).await?;
        let verified = seen.verified(self).await?;
        Ok(MigrationReport { caught_up, verified })
    }

    /// Copies what is missing in the target: events up to the last one that the source has now, and snapshots.
    ///
    /// No snapshot arrives before the events that went into it.
    ///
    /// # Errors
    ///
    /// [`MigrationError::NotACopy`] when the target holds something else than a beginning of the source,
    /// [`MigrationError::Incomplete`] when the source has no beginning, [`MigrationError::Source`] and
    /// [`MigrationError::Target`] when a store fails.
    pub async fn catch_up(&self) -> Result<CaughtUp, MigrationError> {
        let copied = Copied::default();
        catch_up(self, &copied).await?;
        let caught_up = *copied.borrow();
        Ok(caught_up)
    }

    /// Goes on copying what is appended to the source, until `until` is done; then copies what is left, and verifies all of it.
    ///
    /// Stop what appends to the source before `until` is done: what comes later is not copied. Events are compared as they come, so
    /// that little is left for the end; snapshots are copied at the beginning and at the end, each time all of them.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run). A store that was away for a while ends it too; the same call goes on.
    pub async fn follow(&self, until: impl Future<Output = ()>) -> Result<MigrationReport, MigrationError> {
        let mut until = std::pin::pin!(until);
        let mut seen = Seen::default();
        let mut caught_up = catch_up_and_compare(self, &mut seen).await?;
        loop {
            let behind = caught_up.head;
            self.teller().tell(MigrationPhase::Following, behind, behind);
            let more = std::pin::pin!(self.source.wait_past(behind));
            match select(until.as_mut(), more).await {
                Either::Left(((), _)) => break,
                Either::Right((head, _)) => {
                    let head = head.map_err(MigrationError::Source)?;
                    let copied = Copied::new(CaughtUp::behind(behind));
                    copy_events(self, &copied, head).await?;
                    let copied = *copied.borrow();
                    // Now, while nobody waits for it.
                    seen.compare_copied(self, copied).await?;
                    caught_up.add(copied);
                }
            }
        }
        caught_up.add(catch_up_and_compare(self, &mut seen).await?);
        let verified = seen.verified(self).await?;
        Ok(MigrationReport { caught_up, verified })
    }

    /// Reads both stores, and compares every field of every event and snapshot that is in the target. Writes nothing.
    ///
    /// What the source has beyond is not missing: it is said in [`Verified::source_head`].
    ///
    /// # Errors
    ///
    /// [`MigrationError::Differs`] with the first difference, [`MigrationError::Source`] and [`MigrationError::Target`] when a
    /// store cannot be read.
    pub async fn verify(&self) -> Result<Verified, MigrationError> {
        verify(self).await
    }

    pub(crate) fn teller(&self) -> Teller<'_> {
        Teller::new(self.told.as_deref())
    }
}

impl fmt::Debug for Migration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration").field("page", &self.page).finish_non_exhaustive()
    }
}
