//! A process that appends until it is killed, so that the log is as full as it gets.

use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use eventstore_benches::{Shape, append_raw, raw_event};
use eventstore_rocksdb::Durability;
use tokio::runtime::Runtime;

use super::open_with;

/// Where the process finds the directory; it is this program, started once more.
pub(crate) const KILLED: &str = "EVENTSTORE_BENCH_KILLED";

/// How many events it appends: nearly as many as the log holds before they are written out.
const EVENTS: usize = 200_000;

/// Appends to the store in this directory in another process, which is killed then.
pub(crate) fn append_and_be_killed(path: &Path) {
    let program = env::current_exe().unwrap();
    let mut child = Command::new(program).env(KILLED, path).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said.starts_with("appended"), "{said}");
}

/// What that process does.
pub(crate) fn fill(runtime: &Runtime, path: &Path) -> ! {
    let store = open_with(path, Durability::OsBuffered);
    let shape = Shape { writers: 1, batch: 10 };
    runtime.block_on(append_raw(store.clone(), shape, shape.work(EVENTS, raw_event)));
    println!("appended {EVENTS}");
    loop {
        thread::park();
    }
}
