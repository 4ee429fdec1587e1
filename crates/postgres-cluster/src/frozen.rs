//! A server that is there and does nothing.

use crate::processes::signal;

/// The processes of a server, stopped where they are (SIGSTOP): connections stay open, new ones are taken by the system, and
/// nobody answers. Dropped, it goes on.
#[derive(Debug)]
#[must_use = "the server goes on when this is dropped"]
pub struct Frozen(Vec<u32>);

impl Frozen {
    pub(crate) fn of(ids: Vec<u32>) -> Self {
        Self(ids)
    }

    pub(crate) fn ids(&self) -> &[u32] {
        &self.0
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // Nobody can be told; what then stays stopped is killed with its cluster.
        let _ = signal("CONT", &self.0);
    }
}
