//! What becomes of calls when the server, or the way to it, fails: on real servers that are really harmed.
//!
//! Nothing panics, nothing hangs, and no event is lost that was acknowledged.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

#[path = "../support/mod.rs"]
mod support;

mod cut;
#[cfg(target_os = "linux")]
mod full_disk;
mod killed;
mod limits;
mod proxy;
mod read_only;
mod silent;

use std::time::Duration;

use eventstore_postgres::PostgresConfig;

/// Few connections, and short waits where something is waited for in vain.
fn config() -> PostgresConfig {
    PostgresConfig { pool_size: 4, poll_interval: Duration::from_millis(50), ..PostgresConfig::default() }
}
