//! A disk in memory that counts how often it is read, and can say that a read would have to wait.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use crate::disk::{Disk, DiskFile, Open};

#[derive(Debug, Default)]
pub(super) struct TestDisk {
    files: Mutex<HashMap<String, Arc<TestFile>>>,
    watch: Arc<Watch>,
}

#[derive(Debug, Default)]
struct Watch {
    reads: AtomicU64,
    is_cached: AtomicBool,
}

#[derive(Debug)]
struct TestFile {
    bytes: Mutex<Vec<u8>>,
    watch: Arc<Watch>,
}

impl TestDisk {
    /// How many reads there were since this was asked last.
    pub(super) fn take_reads(&self) -> u64 {
        self.watch.reads.swap(0, Ordering::Relaxed)
    }

    /// Whether reads that must not wait find what they look for.
    pub(super) fn set_cached(&self, is_cached: bool) {
        self.watch.is_cached.store(is_cached, Ordering::Relaxed);
    }

    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        self.files.lock()[name].bytes.lock().clone()
    }

    pub(super) fn put(&self, name: &str, bytes: Vec<u8>) {
        let file = TestFile { bytes: Mutex::new(bytes), watch: self.watch.clone() };
        self.files.lock().insert(name.to_owned(), Arc::new(file));
    }
}

impl Disk for TestDisk {
    fn open(&self, name: &str, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        if how == Open::Replace {
            self.put(name, Vec::new());
        }
        match self.files.lock().get(name) {
            Some(file) => Ok(file.clone()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.files.lock().keys().cloned().collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files.lock();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.lock().remove(name).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _: &str) -> io::Result<Option<Box<dyn Send + Sync>>> {
        Ok(None)
    }

    fn is_locked(&self, _: &str) -> io::Result<bool> {
        Ok(false)
    }

    fn describe(&self, name: &str) -> String {
        name.to_owned()
    }
}

impl DiskFile for TestFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.watch.reads.fetch_add(1, Ordering::Relaxed);
        let bytes = self.bytes.lock();
        let from = usize::try_from(offset).unwrap().min(bytes.len());
        let read = buffer.len().min(bytes.len() - from);
        buffer[..read].copy_from_slice(&bytes[from..from + read]);
        Ok(read)
    }

    fn read_at_if_cached(&self, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        match self.watch.is_cached.load(Ordering::Relaxed) {
            true => self.read_at(buffer, offset).map(Some),
            false => Ok(None),
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut file = self.bytes.lock();
        let from = usize::try_from(offset).unwrap();
        let end = from + bytes.len();
        if file.len() < end {
            file.resize(end, 0);
        }
        file[from..end].copy_from_slice(bytes);
        Ok(bytes.len())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.bytes.lock().resize(usize::try_from(length).unwrap(), 0);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().len() as u64)
    }
}
