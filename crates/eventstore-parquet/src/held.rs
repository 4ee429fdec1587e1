use std::{
    io::{self, Write},
    mem,
    sync::Arc,
};

use crc32fast::Hasher;
use parking_lot::Mutex;

/// What is written of a file, held until it goes to the output, and measured. Clones hold the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held(Arc<Mutex<Written>>);

#[derive(Debug, Default)]
struct Written {
    held: Vec<u8>,
    /// In all, also what is held no more.
    bytes: u64,
    /// Up to the last [`Held::measure`].
    measured: u64,
    hasher: Hasher,
}

impl Held {
    /// What is held; nothing is then.
    pub(crate) fn take(&self) -> Vec<u8> {
        mem::take(&mut self.0.lock().held)
    }

    /// How many bytes were written.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.lock().bytes
    }

    /// How many bytes were written since it was last asked, and their CRC-32.
    pub(crate) fn measure(&self) -> (u64, u32) {
        let mut written = self.0.lock();
        let bytes = written.bytes - written.measured;
        written.measured = written.bytes;
        (bytes, mem::take(&mut written.hasher).finalize())
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock();
        written.held.extend_from_slice(bytes);
        written.hasher.update(bytes);
        written.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
