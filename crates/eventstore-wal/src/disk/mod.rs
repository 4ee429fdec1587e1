//! The one way to the disk. Everything the engine reads or writes goes through [`Disk`], so that the crash tests can run
//! the real engine on a disk that loses, tears and refuses as disks do.

#[cfg(test)]
pub(crate) mod bad_drive;
mod directory;
#[cfg(any(test, feature = "torture"))]
pub mod faulty;
mod few_open_files;

use std::{fmt, io, sync::Arc};

pub use directory::Directory;
pub(crate) use few_open_files::{FewOpenFiles, are_too_many};

/// One flat directory of files.
///
/// Nothing about names is durable before [`Disk::sync_names`] has returned: a file that was created, renamed or removed
/// may be there or not after a crash, whatever was synced in the file itself.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Opens a file, or creates one.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] when it should be there and is not, [`io::ErrorKind::AlreadyExists`] the other way
    /// round, or what the disk says.
    fn open(&self, name: &str, how: Open) -> io::Result<Arc<dyn DiskFile>>;

    /// The names of all files, in no order.
    ///
    /// # Errors
    ///
    /// What the disk says.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Gives a file another name; a file of that name is replaced, at one moment.
    ///
    /// # Errors
    ///
    /// What the disk says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. One that is open can be read until it is dropped.
    ///
    /// # Errors
    ///
    /// What the disk says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes every name given, changed and taken so far durable.
    ///
    /// # Errors
    ///
    /// What the disk says.
    fn sync_names(&self) -> io::Result<()>;

    /// Takes the lock that keeps other openers out, until what is returned is dropped; `None` when another holds it. The
    /// lock goes with its process.
    ///
    /// # Errors
    ///
    /// What the disk says.
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send + Sync>>>;

    /// Whether another holds that lock, or this process does. It may be otherwise a moment later.
    ///
    /// # Errors
    ///
    /// What the disk says.
    fn is_locked(&self, name: &str) -> io::Result<bool>;

    /// What to call a file of this directory in messages.
    fn describe(&self, name: &str) -> String;
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// One that is there, for reading.
    Read,
    /// The same, of which another may take the name meanwhile: it is held open, and not opened anew by its name.
    Held,
    /// One that is there, for reading and writing.
    Write,
    /// A new one, for reading and writing; there must be none of that name.
    Create,
    /// A new one, for reading and writing; what one of that name held is gone.
    Replace,
}

/// An open file. Nothing written is durable before one of its syncs has returned.
pub trait DiskFile: fmt::Debug + Send + Sync + 'static {
    /// Reads from an offset on, and says how many bytes: fewer than asked for at the end of the file, or at whim.
    ///
    /// # Errors
    ///
    /// What the disk says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Reads like [`DiskFile::read_at`] if that takes no waiting for the disk; `None` if it would, or if that cannot be known.
    ///
    /// # Errors
    ///
    /// What the disk says.
    fn read_at_if_cached(&self, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        let _ = (buffer, offset);
        Ok(None)
    }

    /// Writes at an offset, and says how many bytes: fewer than given, at whim. What lies between the end and the offset
    /// reads as zeros.
    ///
    /// # Errors
    ///
    /// What the disk says.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes everything written durable, and the length as far as reading it takes (`fdatasync`).
    ///
    /// # Errors
    ///
    /// What the disk says. After an error, nothing is known about what was written since the last sync, and a second sync
    /// that succeeds proves nothing: the system may have dropped the pages.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes everything about the file durable but its name (`fsync`).
    ///
    /// # Errors
    ///
    /// As [`DiskFile::sync_data`].
    fn sync_all(&self) -> io::Result<()>;

    /// Cuts the file off, or lengthens it with zeros.
    ///
    /// # Errors
    ///
    /// What the disk says.
    fn set_len(&self, length: u64) -> io::Result<()>;

    /// How long the file is, in bytes.
    ///
    /// # Errors
    ///
    /// What the disk says.
    fn length(&self) -> io::Result<u64>;
}

/// Writes everything, however often the disk takes only a part of it.
pub(crate) fn write_all(file: &dyn DiskFile, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                offset += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes zeros from one offset to another.
pub(crate) fn fill_with_zeros(file: &dyn DiskFile, mut from: u64, to: u64) -> io::Result<()> {
    const AT_ONCE: usize = 256 << 10;
    let length = |rest: u64| usize::try_from(rest).unwrap_or(usize::MAX).min(AT_ONCE);
    // Not a constant: that would be a part of every program.
    let zeros = vec![0; length(to.saturating_sub(from))];
    while from < to {
        let length = length(to - from);
        write_all(file, zeros.get(..length).unwrap_or_default(), from)?;
        from += length as u64;
    }
    Ok(())
}

/// Fills the buffer as far as the file goes, and says how far.
pub(crate) fn read_up_to(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A whole file, at most this many bytes of it.
pub(crate) fn read_whole(disk: &dyn Disk, name: &str, most: u64) -> io::Result<Vec<u8>> {
    let file = disk.open(name, Open::Read)?;
    let length = file.length()?.min(most);
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?];
    let filled = read_up_to(&*file, &mut bytes, 0)?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// Puts a file in the place of another, or of none, at one moment: whoever looks after a crash finds the old or the new
/// one, whole. Written aside, synced, renamed, and the name synced.
pub(crate) fn replace(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    write_aside(disk, name, bytes)?;
    put_in_place(disk, name)
}

/// The first half of [`replace`], before which nothing has changed.
pub(crate) fn write_aside(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    let file = disk.open(&aside_of(name), Open::Replace)?;
    write_all(&*file, bytes, 0)?;
    file.sync_all()
}

/// The second half of [`replace`]. Where it fails, the old or the new file may be there.
pub(crate) fn put_in_place(disk: &dyn Disk, name: &str) -> io::Result<()> {
    disk.rename(&aside_of(name), name)?;
    disk.sync_names()
}

/// What a file is called until it takes the place of the one of this name.
pub(crate) fn aside_of(name: &str) -> String {
    format!("{name}.new")
}
