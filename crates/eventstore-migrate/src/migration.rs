use std::{
    fmt, mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use eventstore_api::EventStoreBackend;
use futures_util::future::{Either, select};

use crate::{
    CaughtUp, MigrationError, MigrationPhase, MigrationProgress, MigrationReport, Verified,
    catch_up::{catch_up, catch_up_and_compare, copy_events},
    copy_state::{CopyState, WatchedCopy},
    progress::{Teller, Told},
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
    so_far: Mutex<SoFar>,
}

/// What calls of [`Migration::run`] and [`Migration::follow`] have copied and compared that a store ended which was away for a while.
#[derive(Default)]
struct SoFar {
    copied: CopyState,
    seen: Seen,
}

/// How much is read, and stored, at a time, at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) events: usize,
    /// About: of all that an event holds.
    pub(crate) bytes: usize,
}

impl<'a> Migration<'a> {
    /// A migration of everything in `source` to `target`, which is empty, or holds what an earlier run has brought there.
    #[must_use]
    pub fn new(source: &'a dyn EventStoreBackend, target: &'a dyn EventStoreBackend) -> Self {
        let page = Page { events: 32_768, bytes: 8 << 20 };
        Self { source, target, page, told: None, so_far: Mutex::default() }
    }

    /// The same migration, in pages of at most so many events; at least one, and 32,768 where nothing is said. A page is stored
    /// together, and a few of them are in memory.
    #[must_use]
    pub fn page_events(mut self, events: usize) -> Self {
        self.page.events = events.max(1);
        self
    }

    /// The same migration, in pages of about so many bytes at most, of names, payloads, metadata and tags together; 8 MiB where nothing
    /// is said. A page has one event at least, however few bytes these are.
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
    /// As [`catch_up`](Self::catch_up) and [`verify`](Self::verify). A store that was away for a while ends it too, which
    /// [`MigrationError::is_retryable`] tells; the same call of the same migration goes on, and its report is of both. No event is
    /// compared a second time then, unless the target has lost what was.
    ///
    /// # Cancellation
    ///
    /// Dropped early, it has copied a beginning. The next call goes on copying behind it, and compares everything.
    pub async fn run(&self) -> Result<MigrationReport, MigrationError> {
        let mut so_far = self.take_so_far();
        let done = self.go_on_running(&mut so_far).await;
        self.keep_where_it_can_go_on(so_far, &done);
        done
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
    ///
    /// # Cancellation
    ///
    /// Dropped early, it has copied a beginning, and snapshots of that. The next call goes on behind it.
    pub async fn catch_up(&self) -> Result<CaughtUp, MigrationError> {
        let copy = WatchedCopy::default();
        catch_up(self, Names::of(self.source), &copy).await?;
        Ok(copy.state().caught_up)
    }

    /// Goes on copying what is appended to the source, until `until` is done; then copies what is left, and verifies all of it.
    ///
    /// Stop what appends to the source before `until` is done: what comes later is not copied. Events are compared as they come, so
    /// that little is left for the end; snapshots are copied at the beginning and at the end, each time all of them.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), and the same call goes on in the same way.
    ///
    /// # Cancellation
    ///
    /// As [`run`](Self::run).
    pub async fn follow(&self, until: impl Future<Output = ()>) -> Result<MigrationReport, MigrationError> {
        let mut so_far = self.take_so_far();
        let done = self.go_on_following(&mut so_far, until).await;
        self.keep_where_it_can_go_on(so_far, &done);
        done
    }

    async fn go_on_running(&self, so_far: &mut SoFar) -> Result<MigrationReport, MigrationError> {
        self.compare_again_what_is_lost(so_far).await?;
        self.come_to_an_end(so_far).await
    }

    async fn go_on_following(
        &self,
        so_far: &mut SoFar,
        until: impl Future<Output = ()>,
    ) -> Result<MigrationReport, MigrationError> {
        let mut until = std::pin::pin!(until);
        self.compare_again_what_is_lost(so_far).await?;
        let SoFar { copied: sum, seen } = &mut *so_far;
        catch_up_and_compare(self, Names::of(self.source), seen, sum).await?;
        loop {
            let behind = sum.head();
            self.teller().tell(MigrationPhase::Following, behind, behind);
            let more = std::pin::pin!(self.source.wait_past(behind));
            match select(until.as_mut(), more).await {
                Either::Left(((), _)) => break,
                Either::Right((head, _)) => {
                    let head = head.map_err(MigrationError::Source)?;
                    let copy = WatchedCopy::new(CopyState::behind(behind));
                    let done = copy_events(self, &copy, head).await;
                    let copied = copy.state();
                    sum.add(copied);
                    done?;
                    // Now, while nobody waits for it.
                    seen.compare_copied(self, copied).await?;
                }
            }
        }
        self.come_to_an_end(so_far).await
    }

    /// Another server may have taken the place of the target that had not got all of it yet. What comes there again was not compared.
    async fn compare_again_what_is_lost(&self, so_far: &mut SoFar) -> Result<(), MigrationError> {
        let there = self.target.head().await.map_err(MigrationError::Target)?;
        if there < so_far.seen.head {
            so_far.seen = Seen::default();
        }
        Ok(())
    }

    async fn come_to_an_end(
        &self,
        SoFar { copied: sum, seen }: &mut SoFar,
    ) -> Result<MigrationReport, MigrationError> {
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
    ///
    /// # Cancellation
    ///
    /// Dropped early, it has changed nothing, and the next call begins anew.
    pub async fn verify(&self) -> Result<Verified, MigrationError> {
        verify(self).await
    }

    /// Not held meanwhile: another call at the same time begins anew.
    fn take_so_far(&self) -> SoFar {
        mem::take(&mut *self.so_far())
    }

    /// Keeps it for the next call, where that may succeed.
    fn keep_where_it_can_go_on(&self, mut so_far: SoFar, done: &Result<MigrationReport, MigrationError>) {
        if done.as_ref().is_err_and(MigrationError::is_retryable) {
            // What came once more, because the target had lost it, may not have been compared once more.
            if so_far.copied.again_behind.take().is_some() {
                so_far.seen = Seen::default();
            }
            *self.so_far() = so_far;
        }
    }

    fn so_far(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
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
