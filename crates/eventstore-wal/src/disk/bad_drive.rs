//! A drive that does not give all of what is on it, for tests.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::{
    io,
    ops::Range,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Directory, Disk, DiskFile, Open};

/// As a directory, but for these bytes of each file whose name ends so.
#[derive(Debug)]
pub(crate) struct BadDrive {
    directory: Directory,
    ending: &'static str,
    bad: Range<u64>,
    is_bad: Arc<AtomicBool>,
    /// What opening them comes to, as the system numbers errors.
    cannot_open: Option<i32>,
}

impl BadDrive {
    pub(crate) fn new(directory: &Path, ending: &'static str, bad: Range<u64>) -> Self {
        let directory = Directory::existing(directory).unwrap();
        Self { directory, ending, bad, is_bad: Arc::new(AtomicBool::new(true)), cannot_open: None }
    }

    /// One that gives everything until this is set.
    pub(crate) fn when(mut self, is_bad: &Arc<AtomicBool>) -> Self {
        self.is_bad = Arc::clone(is_bad);
        self
    }

    /// One of which files whose names end so cannot be opened, for this reason.
    pub(crate) fn that_cannot_open(directory: &Path, ending: &'static str, error: i32) -> Self {
        Self { cannot_open: Some(error), ..Self::new(directory, ending, 0..0) }
    }
}

#[derive(Debug)]
struct BadFile {
    file: Arc<dyn DiskFile>,
    bad: Range<u64>,
    is_bad: Arc<AtomicBool>,
}

impl Disk for BadDrive {
    fn open(&self, name: &str, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.directory.open(name, how)?;
        if name.ends_with(self.ending) {
            if let Some(error) = self.cannot_open {
                return Err(io::Error::from_raw_os_error(error));
            }
            return Ok(Arc::new(BadFile { file, bad: self.bad.clone(), is_bad: Arc::clone(&self.is_bad) }));
        }
        Ok(file)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.directory.names()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.directory.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.directory.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.directory.sync_names()
    }

    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send + Sync>>> {
        self.directory.lock(name)
    }

    fn is_locked(&self, name: &str) -> io::Result<bool> {
        self.directory.is_locked(name)
    }

    fn describe(&self, name: &str) -> String {
        self.directory.describe(name)
    }
}

impl DiskFile for BadFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let is_there = offset < self.bad.end && self.bad.start < offset + buffer.len() as u64;
        if is_there && self.is_bad.load(Ordering::SeqCst) {
            return Err(io::Error::other("the drive gives nothing"));
        }
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }
}
