//! What the tests see of a server from outside.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part, and a helper that fails is a failed test"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use postgres_cluster::Programs;

/// `psql`, as anybody would call it.
pub(crate) fn psql(url: &str, sql: &str) -> Command {
    let mut command = Command::new(Programs::find().unwrap().directory().join("psql"));
    command.args(["-X", "-A", "-t", "-w", "-d", url, "-c", sql]).stdin(Stdio::null());
    command
}

/// The processes that are at home in `directory`. A server's are in its data directory, also when that is removed.
pub(crate) fn processes_in(directory: &Path) -> Vec<String> {
    let is_there =
        |process: &Path| fs::read_link(process.join("cwd")).is_ok_and(|it| it.starts_with(directory));
    let processes = fs::read_dir("/proc").unwrap().map(|it| it.unwrap().path());
    processes.filter(|it| is_there(it)).map(|it| it.display().to_string()).collect()
}

/// The id of the shared memory that the server in `directory` has asked the system for.
pub(crate) fn shared_memory_of(directory: &Path) -> String {
    let file = fs::read_to_string(directory.join("data").join("postmaster.pid")).unwrap();
    file.lines().nth(6).unwrap().split_whitespace().nth(1).unwrap().to_owned()
}

pub(crate) fn has_shared_memory(id: &str) -> bool {
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap();
    table.lines().any(|it| it.split_whitespace().nth(1) == Some(id))
}

/// Comes back when it is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "never: {what}");
        thread::yield_now();
    }
}
