//! The faulty disk as the engine sees it: a directory, its open files, its locks.

use std::{fmt, io, sync::Arc};

use parking_lot::Mutex;

use super::{
    super::{Disk, DiskFile, Open},
    FaultyDisk,
    machine::Machine,
    names::{FileId, NameChange},
    operation::Operation,
};

impl Disk for FaultyDisk {
    fn open(&self, name: &str, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        let mut machine = self.machine.lock();
        machine.check_power()?;
        let file = match (machine.find(name), how) {
            (Ok(_), Open::Create) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Ok(file), Open::Replace) => {
                machine.set_length(file, 0)?;
                file
            }
            (Ok(file), Open::Read | Open::Held | Open::Write) => file,
            (Err(_), Open::Create | Open::Replace) => machine.create(name)?,
            (Err(error), Open::Read | Open::Held | Open::Write) => return Err(error),
        };
        machine.open(file);
        let access = match how {
            Open::Read | Open::Held => Access::Read,
            Open::Write | Open::Create | Open::Replace => Access::Write,
        };
        Ok(Arc::new(Handle { machine: Arc::clone(&self.machine), name: name.into(), file, access }))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let machine = self.machine.lock();
        machine.check_power()?;
        Ok(machine.state.names().live().map(|(name, _)| name.to_string()).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut machine = self.machine.lock();
        machine.check_power()?;
        machine.find(from)?;
        if from == to {
            return Ok(());
        }
        machine.change(Operation::Name(NameChange::Rename { from: from.into(), to: to.into() }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut machine = self.machine.lock();
        machine.check_power()?;
        machine.find(name)?;
        machine.change(Operation::Name(NameChange::Remove { name: name.into() }))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.machine.lock().sync(Operation::SyncNames)
    }

    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send + Sync>>> {
        let mut machine = self.machine.lock();
        machine.check_power()?;
        if machine.find(name).is_err() {
            machine.create(name)?;
        }
        let name: Arc<str> = name.into();
        if !machine.locks.insert(Arc::clone(&name)) {
            return Ok(None);
        }
        Ok(Some(Box::new(Lock { machine: Arc::clone(&self.machine), name })))
    }

    fn is_locked(&self, name: &str) -> io::Result<bool> {
        let machine = self.machine.lock();
        machine.check_power()?;
        Ok(machine.locks.contains(name))
    }

    fn describe(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// Held until it is dropped. The lock of a disk that crashed is none of the disk's that comes after it.
struct Lock {
    machine: Arc<Mutex<Machine>>,
    name: Arc<str>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.machine.lock().locks.remove(&self.name);
    }
}

struct Handle {
    machine: Arc<Mutex<Machine>>,
    name: Arc<str>,
    file: FileId,
    access: Access,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

impl Handle {
    fn check_access(&self) -> io::Result<()> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read => {
                Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file was opened for reading alone"))
            }
        }
    }
}

impl DiskFile for Handle {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.machine.lock().read(self.file, buffer, offset)
    }

    fn read_at_if_cached(&self, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        let mut machine = self.machine.lock();
        machine.check_power()?;
        let boundary = machine.boundaries;
        match machine.faults.is_cached(boundary) {
            false => Ok(None),
            true => machine.read(self.file, buffer, offset).map(Some),
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.check_access()?;
        self.machine.lock().write(self.file, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.machine.lock().sync(Operation::Sync { file: self.file })
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.check_access()?;
        self.machine.lock().set_length(self.file, length)
    }

    fn length(&self) -> io::Result<u64> {
        let machine = self.machine.lock();
        machine.check_power()?;
        Ok(machine.state.file(self.file).map_or(0, |file| file.live().length() as u64))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.machine.lock().close(self.file);
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on a faulty disk", self.name)
    }
}
