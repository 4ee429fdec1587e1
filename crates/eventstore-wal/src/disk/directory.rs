use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{Disk, DiskFile, Open};

/// A directory of the file system.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// The directory at this path, which is made where there is none, with all that leads to it.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn create(path: &Path) -> io::Result<Self> {
        if !path.is_dir() {
            create_durably(path)?;
        }
        Self::existing(path)
    }

    /// The directory at this path.
    ///
    /// # Errors
    ///
    /// What the file system says; [`io::ErrorKind::NotADirectory`] for a file.
    pub fn existing(path: &Path) -> io::Result<Self> {
        match std::fs::metadata(path)?.is_dir() {
            true => Ok(Self { path: path.to_owned() }),
            false => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Disk for Directory {
    fn open(&self, name: &str, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true);
        match how {
            Open::Read | Open::Held => {}
            Open::Write => {
                options.write(true);
            }
            Open::Create => {
                options.write(true).create_new(true);
            }
            Open::Replace => {
                options.write(true).create(true).truncate(true);
            }
        }
        without_waiting(&mut options);
        let file = options.open(self.path.join(name))?;
        match file.metadata()?.is_file() {
            true => Ok(Arc::new(RealFile { file })),
            false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
        }
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            // A name that is no text is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        sync_directory(&self.path)
    }

    /// Whoever [asks whether it is taken](Disk::is_locked) keeps it for some microseconds: it is tried again for a moment.
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send + Sync>>> {
        for _ in 1..LOCK_TRIES {
            if let Some(lock) = self.try_lock(name)? {
                return Ok(Some(lock));
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        self.try_lock(name)
    }

    /// For some microseconds it is kept from whoever would take it.
    fn is_locked(&self, name: &str) -> io::Result<bool> {
        let mut options = OpenOptions::new();
        without_waiting(options.read(true));
        let file = match options.open(self.path.join(name)) {
            Ok(file) => Some(file),
            // The directory is locked too.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) =>
            {
                None
            }
            Err(error) => return Err(error),
        };
        for file in [file, self.as_file()?].into_iter().flatten() {
            match file.try_lock_shared() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(true),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(false)
    }

    fn describe(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }
}

/// Every directory that is new has to be synced into the one above it.
fn create_durably(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let above = match path.parent() {
        None => return Ok(()),
        Some(above) if above.as_os_str().is_empty() => Path::new("."),
        Some(above) => above,
    };
    if !above.is_dir() {
        create_durably(above)?;
    }
    match std::fs::create_dir(path) {
        // Another process may be faster.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !path.is_dir() => Err(error),
        _ => sync_directory(above),
    }
}

/// How often a lock is tried that another has.
const LOCK_TRIES: usize = 10;
/// How long is waited in between.
const LOCK_PAUSE: Duration = Duration::from_millis(2);

impl Directory {
    fn try_lock(&self, name: &str) -> io::Result<Option<Box<dyn Send + Sync>>> {
        let path = self.path.join(name);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        // A file can be deleted, and another be made that nobody has locked; the directory stays what it is.
        let locked = [Some(file), self.as_file()?].into_iter().flatten().map(|file| match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        });
        let locked: Option<Vec<File>> = locked.collect::<io::Result<_>>()?;
        Ok(locked.map(|files| Box::new(files) as Box<dyn Send + Sync>))
    }

    /// The directory itself, where one can be opened as a file.
    #[cfg(unix)]
    fn as_file(&self) -> io::Result<Option<File>> {
        File::open(&self.path).map(Some)
    }

    #[cfg(not(unix))]
    fn as_file(&self) -> io::Result<Option<File>> {
        Ok(None)
    }
}

/// A pipe that stands where a file should would be opened when somebody writes into it: never.
#[cfg(target_os = "linux")]
fn without_waiting(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;

    options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
}

#[cfg(not(target_os = "linux"))]
fn without_waiting(_: &mut OpenOptions) {}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Windows makes names durable by itself, and a directory cannot be opened as a file.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[derive(Debug)]
struct RealFile {
    file: File,
}

impl DiskFile for RealFile {
    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)
    }

    #[cfg(target_os = "linux")]
    fn read_at_if_cached(&self, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        use rustix::io::{Errno, ReadWriteFlags};

        let mut parts = [io::IoSliceMut::new(buffer)];
        match rustix::io::preadv2(&self.file, &mut parts, offset, ReadWriteFlags::NOWAIT) {
            Ok(read) => Ok(Some(read)),
            // Not in memory, or a file system that cannot tell.
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(unix)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.file, bytes, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(&self.file, bytes, offset)
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
        Ok(self.file.metadata()?.len())
    }
}
