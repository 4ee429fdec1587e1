use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{sync::watch, time::Instant};

/// Whether a delivery's partition is still held by the member that handed it out. Told without asking the member's task,
/// which may be waiting for a store that does not answer while its leases run out.
#[derive(Clone)]
pub(in crate::consumer_group) struct Tenancy {
    pub(super) is_lost: Arc<AtomicBool>,
    pub(super) leased_until: watch::Receiver<Instant>,
}

impl Tenancy {
    pub(in crate::consumer_group) fn holds(&self) -> bool {
        // Both are read under the lock: whoever extends the lease reads the clock there too, and later. So what has been
        // seen as run out here is seen so there, and given up before the lock is.
        let until = self.leased_until.borrow();
        Instant::now() < *until && !self.is_lost.load(Ordering::Acquire)
    }
}
