//! A disk that notices how much is asked of it: whoever loops asks too often, and whoever believes a length asks for too
//! much at once.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use eventstore_wal::disk::{Disk, DiskFile, Open, faulty::FaultyDisk};

use crate::violation::{Violation, ensure};

/// What the engine reads at once where it does not know how much there is, in bytes.
const AT_ONCE: usize = 1 << 20;
/// What is written beside what is there already, in bytes: a few extents, indexes, a manifest.
const BESIDE: usize = 512 << 10;

/// A disk that holds a store of so many bytes.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    disk: FaultyDisk,
    gauge: Arc<Gauge>,
}

#[derive(Debug)]
struct Gauge {
    bytes: usize,
    /// How many operations are still reasonable.
    operations_left: AtomicI64,
    /// The most that was read at once, in bytes.
    longest_read: AtomicUsize,
}

impl Measured {
    pub(super) fn new(disk: FaultyDisk, bytes: usize) -> Self {
        // The smallest frame has 48 bytes, and nothing reads one more than a few dozen times.
        let operations = i64::try_from(50_000 + 64 * bytes).unwrap_or(i64::MAX);
        let gauge =
            Gauge { bytes, operations_left: AtomicI64::new(operations), longest_read: AtomicUsize::new(0) };
        Self { disk, gauge: Arc::new(gauge) }
    }

    /// That no more was asked of the disk than a store of this size takes.
    pub(super) fn check(&self) -> Result<(), Violation> {
        let Gauge { bytes, operations_left, longest_read } = &*self.gauge;
        let longest = longest_read.load(Ordering::Relaxed);
        let allocated = self.disk.allocated();
        ensure(operations_left.load(Ordering::Relaxed) >= 0, || {
            format!("it loops: a store of {bytes} bytes took more operations than make sense")
        })?;
        ensure(longest <= AT_ONCE + bytes, || {
            format!("of a store of {bytes} bytes, {longest} were asked for at once")
        })?;
        ensure(allocated <= 8 * bytes + BESIDE, || {
            format!("a store of {bytes} bytes takes {allocated} when it has been opened")
        })
    }
}

impl Gauge {
    fn count(&self) -> io::Result<()> {
        if self.operations_left.fetch_sub(1, Ordering::Relaxed) > 0 {
            return Ok(());
        }
        // Whoever loops ends here.
        self.operations_left.store(-1, Ordering::Relaxed);
        Err(io::Error::other("too many operations"))
    }
}

impl Disk for Measured {
    fn open(&self, name: &str, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        self.gauge.count()?;
        let file = self.disk.open(name, how)?;
        Ok(Arc::new(MeasuredFile { file, gauge: Arc::clone(&self.gauge) }))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.gauge.count()?;
        self.disk.names()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.gauge.count()?;
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.gauge.count()?;
        self.disk.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.gauge.count()?;
        self.disk.sync_names()
    }

    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send + Sync>>> {
        self.disk.lock(name)
    }

    fn is_locked(&self, name: &str) -> io::Result<bool> {
        self.disk.is_locked(name)
    }

    fn describe(&self, name: &str) -> String {
        self.disk.describe(name)
    }
}

struct MeasuredFile {
    file: Arc<dyn DiskFile>,
    gauge: Arc<Gauge>,
}

impl DiskFile for MeasuredFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.gauge.count()?;
        self.gauge.longest_read.fetch_max(buffer.len(), Ordering::Relaxed);
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.gauge.count()?;
        let end = offset.saturating_add(bytes.len() as u64);
        // Before there is room for it.
        if end > (8 * self.gauge.bytes + BESIDE) as u64 {
            self.gauge.operations_left.store(-1, Ordering::Relaxed);
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.gauge.count()?;
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.gauge.count()?;
        self.file.sync_all()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.gauge.count()?;
        if length > (8 * self.gauge.bytes + BESIDE) as u64 {
            self.gauge.operations_left.store(-1, Ordering::Relaxed);
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.set_len(length)
    }

    fn length(&self) -> io::Result<u64> {
        self.gauge.count()?;
        self.file.length()
    }
}

impl fmt::Debug for MeasuredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.file, f)
    }
}
