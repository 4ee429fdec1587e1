use std::{
    fmt, mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use eventstore_api::EventStoreBackend;
use futures_util::future::{Either, select};

use crate::{
    CaughtUp, MigrationError, MigrationPhase, MigrationProgress, MigrationReport, Verified,
    catch_up::{Copied, catch_up, catch_up_and_compare, copy_events},
    progress::{Teller, Told},
    progressed::Progressed,
    snapshots::Names,
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
    followed: Mutex<Followed>,
}

/// What calls of [`Migration::follow`] have copied and compared that a store ended which was away for a while.
#[derive(Default)]
struct Followed {
    copied: Progressed,
    seen: Seen,
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
        let page = Page { events: 8_192, bytes: 8 << 20 };
        Self { source, target, page, told: None, followed: Mutex::default() }
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
    ///
    /// It is called inline, in the task that copies, which goes on when it returns: it must not block. What takes a while, such as
    /// asking a server, belongs behind a channel.
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
        let Followed { mut copied, mut seen } = Followed::default();
        catch_up_and_compare(self, Names::of(self.source), &mut seen, &mut copied).await?;
        let verified = seen.verified(self).await?;
        Ok(MigrationReport { caught_up: copied.caught_up, verified })
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
        catch_up(self, Names::of(self.source), &copied).await?;
        let caught_up = copied.borrow().caught_up;
        Ok(caught_up)
    }

    /// Goes on copying what is appended to the source, until `until` is done; then copies what is left, and verifies all of it.
    ///
    /// Stop what appends to the source before `until` is done: what comes later is not copied. Events are compared as they come, so
    /// that little is left for the end; snapshots are copied at the beginning and at the end, each time all of them.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run). A store that was away for a while ends it too, which [`MigrationError::is_retryable`] tells; the same
    /// call of the same migration goes on, and its report is of both. Nothing is compared a second time then, unless the target has
    /// lost what was.
    ///
    /// # Cancellation
    ///
    /// Dropped early, it has copied a beginning. The next call goes on copying behind it, and compares everything.
    pub async fn follow(&self, until: impl Future<Output = ()>) -> Result<MigrationReport, MigrationError> {
        // Not held meanwhile: another call at the same time begins anew.
        let mut followed = mem::take(&mut *self.followed());
        let done = self.go_on_following(&mut followed, until).await;
        if done.as_ref().is_err_and(MigrationError::is_retryable) {
            // What came once more, because the target had lost it, may not have been compared once more.
            if followed.copied.again_behind.take().is_some() {
                followed.seen = Seen::default();
            }
            *self.followed() = followed;
        }
        done
    }

    async fn go_on_following(
        &self,
        Followed { copied: sum, seen }: &mut Followed,
        until: impl Future<Output = ()>,
    ) -> Result<MigrationReport, MigrationError> {
        let mut until = std::pin::pin!(until);
        // Another server may have taken its place that had not got all of it yet. What comes there again was not compared.
        let there = self.target.head().await.map_err(MigrationError::Target)?;
        if there < seen.head {
            *seen = Seen::default();
        }
        catch_up_and_compare(self, Names::of(self.source), seen, sum).await?;
        loop {
            let behind = sum.head();
            self.teller().tell(MigrationPhase::Following, behind, behind);
            let more = std::pin::pin!(self.source.wait_past(behind));
            match select(until.as_mut(), more).await {
                Either::Left(((), _)) => break,
                Either::Right((head, _)) => {
                    let head = head.map_err(MigrationError::Source)?;
                    let copied = Copied::new(Progressed::behind(behind));
                    let done = copy_events(self, &copied, head).await;
                    let copied = *copied.borrow();
                    sum.add(copied);
                    done?;
                    // Now, while nobody waits for it.
                    seen.compare_copied(self, copied).await?;
                }
            }
        }
        catch_up_and_compare(self, Names::of(self.source), seen, sum).await?;
        let verified = seen.verified(self).await?;
        Ok(MigrationReport { caught_up: sum.caught_up, verified })
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

    fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
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
