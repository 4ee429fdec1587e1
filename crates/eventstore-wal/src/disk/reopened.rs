use std::{
    collections::VecDeque,
    fmt, io,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};

use super::{Disk, DiskFile, Open};

/// Files that are only read, of which at most so many are open at a time: a process may have only so many open files, and a
/// store may have any number of segments. One that was closed is opened again when it is read.
pub(crate) struct OpenFiles {
    disk: Arc<dyn Disk>,
    most: usize,
    /// In the order in which they were opened.
    open: Mutex<VecDeque<Weak<Reopened>>>,
}

impl OpenFiles {
    pub(crate) fn new(disk: Arc<dyn Disk>, most: usize) -> Arc<Self> {
        Arc::new(Self { disk, most: most.max(1), open: Mutex::default() })
    }

    /// The file of this name, for reading.
    ///
    /// # Errors
    ///
    /// What the disk says.
    pub(crate) fn file(self: &Arc<Self>, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = Arc::new(Reopened {
            files: Arc::clone(self),
            name: name.to_owned(),
            file: RwLock::new(None),
            was_read: AtomicBool::new(false),
        });
        file.file()?;
        Ok(Arc::new(file))
    }

    /// Notes that a file was opened, and closes others where there are too many: first those that were not read lately.
    fn opened(&self, file: &Arc<Reopened>) {
        let mut open = self.open.lock();
        open.push_back(Arc::downgrade(file));
        let mut second_chances = open.len();
        while open.len() > self.most {
            let Some(oldest) = open.pop_front() else { break };
            let Some(oldest) = oldest.upgrade() else { continue };
            let keep = Arc::ptr_eq(&oldest, file) || oldest.was_read.swap(false, Ordering::Relaxed);
            if keep && second_chances > 0 {
                second_chances -= 1;
                open.push_back(Arc::downgrade(&oldest));
                continue;
            }
            oldest.file.write().take();
        }
    }
}

impl fmt::Debug for OpenFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFiles").field("most", &self.most).finish_non_exhaustive()
    }
}

/// A file that is opened again after it was closed for another's sake.
struct Reopened {
    files: Arc<OpenFiles>,
    name: String,
    file: RwLock<Option<Arc<dyn DiskFile>>>,
    was_read: AtomicBool,
}

impl Reopened {
    fn file(self: &Arc<Self>) -> io::Result<Arc<dyn DiskFile>> {
        self.was_read.store(true, Ordering::Relaxed);
        if let Some(file) = &*self.file.read() {
            return Ok(Arc::clone(file));
        }
        let file = self.files.disk.open(&self.name, Open::Read)?;
        *self.file.write() = Some(Arc::clone(&file));
        self.files.opened(self);
        Ok(file)
    }
}

impl fmt::Debug for Reopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reopened").field(&self.name).finish()
    }
}

/// Nobody writes to such a file.
fn read_only() -> io::Error {
    io::ErrorKind::ReadOnlyFilesystem.into()
}

impl DiskFile for Arc<Reopened> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file()?.read_at(buffer, offset)
    }

    fn read_at_if_cached(&self, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        let open = self.file.read().clone();
        match open {
            Some(file) => {
                self.was_read.store(true, Ordering::Relaxed);
                file.read_at_if_cached(buffer, offset)
            }
            // To open it takes looking up its name.
            None => Ok(None),
        }
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(read_only())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(read_only())
    }

    fn sync_all(&self) -> io::Result<()> {
        Err(read_only())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(read_only())
    }

    fn length(&self) -> io::Result<u64> {
        self.file()?.length()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::OpenFiles;
    use crate::disk::{Directory, Disk, Open, write_all};

    /// How many files of this process are open in a directory.
    #[cfg(target_os = "linux")]
    fn open_in(directory: &std::path::Path) -> usize {
        let open = std::fs::read_dir("/proc/self/fd").unwrap();
        let targets = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
        targets.filter(|target| target.starts_with(directory)).count()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn any_number_of_files_is_read_with_a_few_open() {
        let directory = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(Directory::existing(directory.path()).unwrap());
        for number in 0..40_u8 {
            let file = disk.open(&format!("{number}"), Open::Create).unwrap();
            write_all(&*file, &[number; 8], 0).unwrap();
        }
        let files = OpenFiles::new(disk, 4);
        let all: Vec<_> = (0..40_u8).map(|number| files.file(&format!("{number}")).unwrap()).collect();
        for round in 0..3 {
            for (number, file) in (0..40_u8).zip(&all) {
                let mut bytes = [0; 8];
                assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 8, "round {round}");
                assert_eq!(bytes, [number; 8]);
                assert!(open_in(directory.path()) <= 5, "round {round}: {}", open_in(directory.path()));
            }
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(Directory::existing(directory.path()).unwrap());
        let missing = OpenFiles::new(disk, 4).file("missing").unwrap_err();
        assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
    }
}
