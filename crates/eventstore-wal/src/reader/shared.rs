use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};

use super::follower::{Follower, MOST_MENDED, Mended, can_be_mended};
use crate::{
    catalog::{Catalog, Published},
    damage::{Damage, Failure},
    disk::{Disk, DiskFile, Open, read_up_to},
    format::{SYNCED_MARK_BYTES, SYNCED_NAME, SyncedMark},
    index::Wait,
    log::recovery::LOCK_NAME,
    snapshots::{Snapshots, SnapshotsReader},
};

/// What all handles of a reader have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    disk: Arc<dyn Disk>,
    catalog: Arc<Catalog>,
    follower: Mutex<Follower>,
    /// Opened when they are asked for: events can be read whatever has become of them.
    snapshots: OnceLock<SnapshotsReader>,
    /// Where the writer says how far the log is durable, once there is such a file.
    synced: RwLock<Option<Arc<dyn DiskFile>>>,
    /// What ended the log, as it can be seen, for good.
    damage: OnceLock<Damage>,
    closed: AtomicBool,
}

/// How much is taken up on a thread of the runtime where it is in memory already, in bytes: less than a millisecond's work.
const AT_ONCE: u64 = 256 << 10;

impl Shared {
    pub(crate) fn open(disk: Arc<dyn Disk>) -> Result<Self, Failure> {
        let (follower, damage) = Follower::open(Arc::clone(&disk))?;
        let shared = Self {
            disk,
            snapshots: OnceLock::new(),
            catalog: Arc::clone(follower.catalog()),
            follower: Mutex::new(follower),
            synced: RwLock::default(),
            damage: OnceLock::new(),
            closed: AtomicBool::new(false),
        };
        if let Some(damage) = damage {
            shared.note(damage);
        }
        Ok(shared)
    }

    pub(super) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The snapshots, after a look whether there are more.
    pub(super) fn snapshots(&self, wait: Wait) -> Result<&SnapshotsReader, Failure> {
        if wait == Wait::Never {
            return Err(Failure::WouldWait);
        }
        if let Some(snapshots) = self.snapshots.get() {
            snapshots.refresh()?;
            return Ok(snapshots);
        }
        let opened = Snapshots::open_read_only(Arc::clone(&self.disk), self.catalog.store)?;
        Ok(self.snapshots.get_or_init(|| opened))
    }

    pub(super) fn damage(&self) -> Option<&Damage> {
        self.damage.get()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        // A look that is under way would take the word back.
        let _follower = self.follower.lock();
        self.catalog.close();
    }

    /// How many events nothing says to be durable, of a store that nobody has open.
    pub(crate) fn unproven(&self, wait: Wait) -> Result<u64, Failure> {
        if wait == Wait::Never {
            return Err(Failure::WouldWait);
        }
        let mut unproven = self.follower.lock().unproven()?;
        // Whoever has it open may close it at any moment, and another may open it: nobody has, before and behind the count.
        for _ in 0..2 {
            if unproven == 0 || is_locked(&*self.disk)? {
                return Ok(0);
            }
            self.refresh(wait)?;
            unproven = self.follower.lock().unproven()?;
        }
        Ok(if is_locked(&*self.disk)? { 0 } else { unproven })
    }

    /// Looks whether there is more, and then does something with what there is.
    pub(super) fn look<T>(
        &self,
        wait: Wait,
        read: &impl Fn(&Self, Wait) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut mended = 0;
        loop {
            let (failure, is_of_refreshing) = match self.refresh(wait) {
                Err(failure) => (failure, true),
                Ok(()) => match read(self, wait) {
                    Err(failure) => (failure, false),
                    answer => return answer,
                },
            };
            if mended == MOST_MENDED || !can_be_mended(&failure) {
                return Err(failure);
            }
            if wait == Wait::Never {
                return Err(Failure::WouldWait);
            }
            let mut follower = self.follower.lock();
            // What is published here would take the word back.
            if self.is_closed() {
                return Err(Failure::Closed);
            }
            match follower.mend(&failure) {
                Ok(Mended::Nothing) => return Err(failure),
                Ok(Mended::Parts) => {}
                Ok(Mended::Indexes) => mended += 1,
                // Nothing more can be taken up. What is, can be read.
                Err(Failure::Damaged(damage)) if is_of_refreshing => self.note(damage),
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Takes up what has become durable since the last look.
    fn refresh(&self, wait: Wait) -> Result<(), Failure> {
        if self.damage.get().is_some() {
            return Ok(());
        }
        let Some(mark) = self.read_mark(wait)? else { return Ok(()) };
        if !is_news(mark, &self.catalog.published()) {
            return Ok(());
        }
        let mut follower = match wait {
            Wait::Allowed => self.follower.lock(),
            Wait::Never => self.follower.try_lock().ok_or(Failure::WouldWait)?,
        };
        // Another may have looked meanwhile.
        let published = self.catalog.published();
        if !is_news(mark, &published) || self.damage.get().is_some() || self.is_closed() {
            return Ok(());
        }
        let is_little = mark.segment == published.segment && mark.offset - published.offset <= AT_ONCE;
        if wait == Wait::Never && !is_little {
            return Err(Failure::WouldWait);
        }
        if let Some(damage) = follower.advance(mark, wait)? {
            self.note(damage);
        }
        Ok(())
    }

    /// What the writer said last; `None` where that is nothing, or was being written just now.
    fn read_mark(&self, wait: Wait) -> Result<Option<SyncedMark>, Failure> {
        let failure = || Failure::io(|| format!("cannot read {}", self.disk.describe(SYNCED_NAME)));
        let known = self.synced.read().clone();
        let file = match (known, wait) {
            (Some(file), _) => file,
            (None, Wait::Never) => return Err(Failure::WouldWait),
            (None, Wait::Allowed) => match self.disk.open(SYNCED_NAME, Open::Read) {
                Ok(file) => Arc::clone(self.synced.write().insert(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(failure()(error)),
            },
        };
        let mut bytes = [0; SYNCED_MARK_BYTES];
        let read = match wait {
            Wait::Allowed => read_up_to(&*file, &mut bytes, 0),
            Wait::Never => file
                .read_at_if_cached(&mut bytes, 0)
                .and_then(|read| read.ok_or(io::ErrorKind::WouldBlock.into())),
        };
        read.map_err(failure())?;
        Ok(SyncedMark::decode(&bytes, self.catalog.store))
    }

    fn note(&self, damage: Damage) {
        tracing::error!(%damage, "the log is damaged; what lies before that can be read");
        let _ = self.damage.set(damage);
    }
}

/// Whether somebody has the store open for writing.
fn is_locked(disk: &dyn Disk) -> Result<bool, Failure> {
    let failure = || format!("cannot see whether {} is locked", disk.describe(LOCK_NAME));
    disk.is_locked(LOCK_NAME).map_err(Failure::io(failure))
}

fn is_news(mark: SyncedMark, published: &Published) -> bool {
    (mark.segment, mark.offset) > (published.segment, published.offset)
}
