//! Waiting for what has to come, and not forever.

use std::thread;
use std::time::{Duration, Instant};

use crate::error::ClusterError;

/// For a server to come up, go down or follow: far more than it takes, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(5);

/// Asks until there is an answer; `None` when `limit` has passed without one.
pub(crate) fn within<T>(
    limit: Duration,
    mut ask: impl FnMut() -> Result<Option<T>, ClusterError>,
) -> Result<Option<T>, ClusterError> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(Some(answer));
        }
        if begun.elapsed() >= limit {
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}
