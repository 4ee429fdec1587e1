use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use eventstore_api::{EventStoreBackend, Result, StoreError, StreamId};
use tokio::sync::{RwLock, RwLockWriteGuard, watch};
use tracing::Instrument as _;

use crate::{saved_meanwhile::SavedMeanwhile, to_itself::leave_trace};

/// A store that can become another one while it is used: see the [crate](crate).
///
/// Cloning it is cheap, and gives another handle to the same. It works in a runtime of tokio: appends are handed to tasks, and happen
/// also where whoever asked for them has gone.
///
/// It knows of appends that come through it. What appends to the store in another way, as another process does to a PostgreSQL
/// store, has to be stopped before the switch.
#[derive(Clone)]
pub struct SwitchingBackend {
    shared: Arc<Shared>,
}

pub(crate) type Store = Arc<dyn EventStoreBackend>;

struct Shared {
    current: watch::Sender<Store>,
    /// Whoever writes has it for reading, and the switch, for its last moment, for writing. It is fair: who comes later waits.
    writes: Arc<RwLock<()>>,
    saved: SavedMeanwhile,
    is_closed: AtomicBool,
}

impl SwitchingBackend {
    /// A store that is this one until it is [switched](Self::switch_to).
    #[must_use]
    pub fn new(store: impl EventStoreBackend) -> Self {
        let current: Store = Arc::new(store);
        let shared = Shared {
            current: watch::Sender::new(current),
            writes: Arc::default(),
            saved: SavedMeanwhile::default(),
            is_closed: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn current(&self) -> Store {
        Arc::clone(&self.shared.current.borrow())
    }

    /// The store that is used, and who comes after it.
    pub(crate) fn watch(&self) -> watch::Receiver<Store> {
        self.shared.current.subscribe()
    }

    /// What no other has as long as this one is there.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.shared).addr()
    }

    pub(crate) fn saved_meanwhile(&self) -> &SavedMeanwhile {
        &self.shared.saved
    }

    /// Notes that a switch which is under way has to bring this snapshot: before the lock is given back that was taken for it, so that
    /// none is missing in the last moment.
    pub(crate) fn note_saved(&self, stream: StreamId) {
        self.shared.saved.note(stream);
    }

    /// Reads from the store that is used; once more where the one that was left is closed in the middle of it.
    pub(crate) async fn read<T, R: Future<Output = Result<T>>>(
        &self,
        read: impl Fn(Store) -> R,
    ) -> Result<T> {
        leave_trace(self.address());
        loop {
            let store = self.current();
            match read(Arc::clone(&store)).await {
                Err(StoreError::Closed) if !Arc::ptr_eq(&store, &self.current()) => {}
                answer => return answer,
            }
        }
    }

    /// Has a store write something, whoever waits for it or not, and keeps a switch away meanwhile.
    pub(crate) async fn write<T: Send + 'static, W: Future<Output = Result<T>> + Send + 'static>(
        &self,
        write: impl FnOnce(Store) -> W,
    ) -> Result<T> {
        let no_switch = Arc::clone(&self.shared.writes).read_owned().await;
        let write = write(self.current());
        let done = tokio::spawn(
            async move {
                let answer = write.await;
                drop(no_switch);
                answer
            }
            .in_current_span(),
        );
        done.await.unwrap_or_else(|gone| Err(StoreError::outcome_unknown(gone)))
    }

    /// Waits until nobody writes, and has whoever comes wait.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] where it was closed.
    pub(crate) async fn keep_writes_away(&self) -> Result<RwLockWriteGuard<'_, ()>> {
        let nobody_writes = self.shared.writes.write().await;
        match self.shared.is_closed.load(Ordering::Acquire) {
            true => Err(StoreError::Closed),
            false => Ok(nobody_writes),
        }
    }

    /// It is this store from here on, and may be written to again.
    pub(crate) fn go_over_to(&self, store: Store, nobody_writes: RwLockWriteGuard<'_, ()>) {
        self.shared.current.send_replace(store);
        drop(nobody_writes);
    }

    /// No switch comes behind it.
    pub(crate) async fn close_for_good(&self) -> Result<()> {
        let _no_switch = self.shared.writes.write().await;
        self.shared.is_closed.store(true, Ordering::Release);
        self.current().close().await
    }
}

impl fmt::Debug for SwitchingBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwitchingBackend").finish_non_exhaustive()
    }
}
