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

/// A disk on which at most so many files that are only read are open at a time: a process may have only so many, and a
/// store may have any number of segments. One that was closed is opened again when it is read.
pub(crate) struct FewOpenFiles {
    files: Arc<OpenFiles>,
}

impl FewOpenFiles {
    /// At most as many as every system lets a process have, and leaves some for others.
    pub(crate) fn on(disk: Arc<dyn Disk>) -> Self {
        Self::with_most(disk, 256)
    }

    pub(crate) fn with_most(disk: Arc<dyn Disk>, most: usize) -> Self {
        Self { files: Arc::new(OpenFiles { disk, most: most.max(1), open: Mutex::default() }) }
    }
}

impl Disk for FewOpenFiles {
    fn open(&self, name: &str, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        if how != Open::Read {
            return self.files.with_room(|disk| disk.open(name, how));
        }
        let file = Arc::new(Reopened {
            files: Arc::clone(&self.files),
            name: name.to_owned(),
            file: RwLock::new(None),
            was_read: AtomicBool::new(false),
        });
        file.file()?;
        Ok(Arc::new(file))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.files.with_room(Disk::names)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.files.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.disk.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.files.with_room(Disk::sync_names)
    }

    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send + Sync>>> {
        self.files.disk.lock(name)
    }

    fn is_locked(&self, name: &str) -> io::Result<bool> {
        self.files.with_room(|disk| disk.is_locked(name))
    }

    fn describe(&self, name: &str) -> String {
        self.files.disk.describe(name)
    }
}

impl fmt::Debug for FewOpenFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FewOpenFiles").field(&self.files.disk).finish()
    }
}

struct OpenFiles {
    disk: Arc<dyn Disk>,
    most: usize,
    /// In the order in which they were opened.
    open: Mutex<VecDeque<Weak<Reopened>>>,
}

impl OpenFiles {
    /// Does something that takes opening a file. Where the process may have no more, the store has fewer of its own.
    fn with_room<T>(&self, open: impl Fn(&(dyn Disk + 'static)) -> io::Result<T>) -> io::Result<T> {
        loop {
            match open(&*self.disk) {
                Err(error) if are_too_many(&error) && self.close_half() => {}
                done => return done,
            }
        }
    }

    /// Closes the older half; false where there was nothing to close.
    fn close_half(&self) -> bool {
        let mut open = self.open.lock();
        let half = open.len().div_ceil(2);
        let closed = open.drain(..half).filter_map(|file| file.upgrade()?.file.write().take());
        closed.count() > 0 || !open.is_empty()
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
        let file = self.files.with_room(|disk| disk.open(&self.name, Open::Read))?;
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

/// Whether it is the number of open files that is in the way, of this process or of the system.
pub(crate) fn are_too_many(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    cfg!(unix) && matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
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
    use std::{io, sync::Arc};

    use super::FewOpenFiles;
    use crate::disk::{Directory, Disk, DiskFile, Open, write_all};

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
            let file = disk.open(&number.to_string(), Open::Create).unwrap();
            write_all(&*file, &[number; 8], 0).unwrap();
        }
        let few = FewOpenFiles::with_most(disk, 4);
        let all: Vec<_> =
            (0..40_u8).map(|number| few.open(&number.to_string(), Open::Read).unwrap()).collect();
        for round in 0..3 {
            for (number, file) in (0..40_u8).zip(&all) {
                let mut bytes = [0; 8];
                assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 8, "round {round}");
                assert_eq!(bytes, [number; 8]);
                assert!(open_in(directory.path()) <= 5, "round {round}: {}", open_in(directory.path()));
            }
        }
    }

    /// A disk that lets a process have so many files.
    #[derive(Debug)]
    struct Limited {
        disk: Arc<dyn Disk>,
        limit: usize,
        directory: std::path::PathBuf,
    }

    impl Limited {
        fn check(&self) -> io::Result<()> {
            match open_in(&self.directory) < self.limit {
                true => Ok(()),
                false => Err(io::Error::from_raw_os_error(24)),
            }
        }
    }

    impl Disk for Limited {
        fn open(&self, name: &str, how: Open) -> io::Result<Arc<dyn DiskFile>> {
            self.check()?;
            self.disk.open(name, how)
        }

        fn names(&self) -> io::Result<Vec<String>> {
            self.check()?;
            self.disk.names()
        }

        fn rename(&self, from: &str, to: &str) -> io::Result<()> {
            self.disk.rename(from, to)
        }

        fn remove(&self, name: &str) -> io::Result<()> {
            self.disk.remove(name)
        }

        fn sync_names(&self) -> io::Result<()> {
            self.check()?;
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

    #[cfg(target_os = "linux")]
    #[test]
    fn where_a_process_may_have_no_more_files_the_store_makes_do_with_fewer() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let disk: Arc<dyn Disk> = Arc::new(Directory::existing(&path).unwrap());
        let few = FewOpenFiles::on(Arc::new(Limited { disk, limit: 6, directory: path }));
        let mut written = Vec::new();
        for number in 0..40_u8 {
            let name = number.to_string();
            write_all(&*few.open(&name, Open::Create).unwrap(), &[number; 8], 0).unwrap();
            written.push(few.open(&name, Open::Read).unwrap());
            few.sync_names().unwrap();
            assert_eq!(few.names().unwrap().len(), written.len());
        }
        for (number, file) in (0..40_u8).zip(&written) {
            let mut bytes = [0; 8];
            file.read_at(&mut bytes, 0).unwrap();
            assert_eq!(bytes, [number; 8]);
        }
        // Where nothing of ours is in the way, it is an error.
        let others: Vec<_> =
            (0..6).map(|_| std::fs::File::open(directory.path().join("0")).unwrap()).collect();
        assert_eq!(few.names().unwrap_err().raw_os_error(), Some(24));
        drop(others);
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(Directory::existing(directory.path()).unwrap());
        let missing = FewOpenFiles::with_most(disk, 4).open("missing", Open::Read).unwrap_err();
        assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
    }
}
