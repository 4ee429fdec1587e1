use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, PoisonError, RwLock, Weak},
};

use eventstore_api::Appended;
use futures_util::FutureExt;

use super::running::Running;
use crate::Panicked;

/// The projections that an append of a store waits for.
#[derive(Default)]
pub(crate) struct InlineProjections {
    waited_for: RwLock<Vec<Weak<dyn Running>>>,
}

tokio::task_local! {
    /// Set while a projection runs an effect: an append from there must not wait for the projection that waits for it.
    static IN_EFFECT: ();
}

impl InlineProjections {
    pub(super) fn add(&self, projection: &Arc<dyn Running>) {
        let mut waited_for = self.waited_for.write().unwrap_or_else(PoisonError::into_inner);
        waited_for.retain(|projection| projection.strong_count() > 0);
        waited_for.push(Arc::downgrade(projection));
    }

    /// Waits until all of them that run have applied what was appended.
    pub(crate) async fn applied(&self, appended: &[Appended]) {
        let Some(last) = appended.iter().map(|appended| appended.last_position).max() else { return };
        let waited_for: Vec<_> = {
            let waited_for = self.waited_for.read().unwrap_or_else(PoisonError::into_inner);
            waited_for.iter().filter_map(Weak::upgrade).collect()
        };
        if waited_for.is_empty() || IN_EFFECT.try_with(|&()| ()).is_ok() {
            return;
        }
        for projection in waited_for {
            // One that has stopped is not waited for: the events are stored all the same.
            let _ = projection.task().wait_until(last).await;
        }
    }
}

/// Does what a projection has to do outside: an append from there waits for no projection, and a panic is an error like any
/// other.
pub(super) async fn in_effect<T>(effect: impl Future<Output = T>) -> Result<T, Panicked> {
    let guarded = AssertUnwindSafe(IN_EFFECT.scope((), effect)).catch_unwind().await;
    guarded.map_err(|payload| Panicked::new(&*payload))
}
