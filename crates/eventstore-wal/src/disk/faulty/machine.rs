//! The disk at work: it has power or not, counts boundaries, makes faults and keeps the journal.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use super::{
    error,
    faults::{ChangeFault, Faults, ReadFault, Running, SyncFault, WriteFault},
    names::{FileId, NameChange},
    operation::{Fate, Operation},
    recording::Recording,
    state::State,
};

/// No file is larger: what lies beyond comes from a bug, and would cost memory.
const LARGEST_FILE: u64 = 1 << 32;

#[derive(Debug)]
pub(super) struct Machine {
    pub(super) state: State,
    pub(super) boundaries: u64,
    pub(super) faults: Running,
    pub(super) locks: BTreeSet<Arc<str>>,
    power: Power,
    crash_at: Option<u64>,
    recording: Option<Recording>,
    handles: BTreeMap<FileId, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    On,
    Off,
    /// The disk has it, but the process that used this one is no more.
    Killed,
}

impl Machine {
    pub(super) fn new(state: State, boundaries: u64, faults: Running) -> Self {
        Self {
            state,
            boundaries,
            faults,
            locks: BTreeSet::new(),
            power: Power::On,
            crash_at: None,
            recording: None,
            handles: BTreeMap::new(),
        }
    }

    /// Another one with the same files and faults, but without the handles, the locks and the recording.
    pub(super) fn fork(&self) -> Self {
        Self::new(self.state.clone(), self.boundaries, self.faults.clone())
    }

    /// What the next process finds: the recording goes on.
    pub(super) fn kill(&mut self) -> Self {
        let next = Self { recording: self.recording.take(), crash_at: self.crash_at, ..self.fork() };
        self.power = Power::Killed;
        next
    }

    pub(super) fn power(&self) -> Power {
        self.power
    }

    pub(super) fn cut_power(&mut self) {
        self.power = Power::Off;
    }

    pub(super) fn crash_at(&mut self, boundary: Option<u64>) {
        self.crash_at = boundary;
    }

    pub(super) fn set_faults(&mut self, faults: Faults) {
        self.faults = Running::new(faults);
    }

    pub(super) fn record(&mut self) {
        self.recording = Some(Recording::new(self.state.clone(), self.boundaries));
    }

    pub(super) fn take_recording(&mut self) -> Recording {
        self.recording.take().unwrap_or_else(|| Recording::new(self.state.clone(), self.boundaries))
    }

    /// # Errors
    ///
    /// When the power is out, or the process killed.
    pub(super) fn check_power(&self) -> io::Result<()> {
        match self.power {
            Power::On => Ok(()),
            Power::Off => Err(error::power_lost()),
            Power::Killed => Err(error::killed()),
        }
    }

    pub(super) fn find(&self, name: &str) -> io::Result<FileId> {
        self.state.names().find(name).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn open(&mut self, file: FileId) {
        *self.handles.entry(file).or_default() += 1;
    }

    pub(super) fn close(&mut self, file: FileId) {
        if let Some(handles) = self.handles.get_mut(&file) {
            *handles -= 1;
            if *handles == 0 {
                self.handles.remove(&file);
            }
        }
    }

    /// The bytes that files take, which is what the capacity limits.
    pub(super) fn allocated(&self) -> usize {
        self.state.allocated(|file| self.handles.contains_key(&file))
    }

    pub(super) fn read(&mut self, file: FileId, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.check_power()?;
        let wanted = match self.faults.read(self.boundaries) {
            None => buffer.len(),
            Some(ReadFault::Short) => self.faults.part(buffer.len()),
            Some(ReadFault::Interrupted) => return Err(error::interrupted()),
            Some(ReadFault::Broken) => return Err(error::broken("the read failed")),
        };
        let (Some(file), Ok(offset)) = (self.state.file(file), usize::try_from(offset)) else { return Ok(0) };
        Ok(file.live().read(buffer.get_mut(..wanted).unwrap_or_default(), offset))
    }

    pub(super) fn write(&mut self, file: FileId, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.check_power()?;
        let mut end = (bytes.len(), None);
        let mut fate = Fate::Kept;
        let mut place = offset;
        match self.faults.write(self.boundaries) {
            None => {}
            Some(WriteFault::Short) => end = (self.faults.part(bytes.len()), None),
            Some(WriteFault::Interrupted) => end = (0, Some(error::interrupted())),
            Some(WriteFault::Full) => end = (0, Some(error::full())),
            Some(WriteFault::Broken) => {
                end = (self.faults.some(bytes.len()), Some(error::broken("the write failed")));
            }
            Some(WriteFault::Lost) => fate = Fate::Lost,
            Some(WriteFault::Misplaced(other)) => place = other,
        }
        let (mut taken, mut error) = end;
        let place = position(place, taken)?;
        let fitting = self.fitting(file, place, taken);
        if fitting < taken {
            taken = fitting;
            error = error.or_else(|| (fitting == 0).then(error::full));
        }
        match bytes.get(..taken) {
            Some(bytes) if taken > 0 => {
                self.perform(Operation::Write { file, offset: place, bytes: Cow::Borrowed(bytes), fate })?;
            }
            _ => self.perform(Operation::Nothing)?,
        }
        error.map_or(Ok(taken), Err)
    }

    fn fitting(&self, file: FileId, offset: usize, length: usize) -> usize {
        match (self.faults.capacity(), self.state.file(file)) {
            (Some(capacity), Some(file)) => {
                file.live().fitting(offset, length, capacity.saturating_sub(self.allocated()))
            }
            _ => length,
        }
    }

    pub(super) fn set_length(&mut self, file: FileId, length: u64) -> io::Result<()> {
        let length = position(length, 0)?;
        self.change(Operation::SetLength { file, length })
    }

    pub(super) fn create(&mut self, name: &str) -> io::Result<FileId> {
        let file = self.state.next_file();
        self.change(Operation::Name(NameChange::Create { name: name.into(), file }))?;
        Ok(file)
    }

    /// A change of names or lengths.
    pub(super) fn change(&mut self, operation: Operation<'_>) -> io::Result<()> {
        self.check_power()?;
        let error = match self.faults.change(self.boundaries) {
            None => return self.perform(operation),
            Some(ChangeFault::Full) => error::full(),
            Some(ChangeFault::Broken) => error::broken("the change failed"),
        };
        self.perform(Operation::Nothing)?;
        Err(error)
    }

    pub(super) fn sync(&mut self, operation: Operation<'_>) -> io::Result<()> {
        self.check_power()?;
        let (operation, error) = match (self.faults.sync(self.boundaries), operation) {
            (None, operation) => return self.perform(operation),
            (Some(SyncFault::Interrupted), _) => (Operation::Nothing, error::interrupted()),
            (Some(SyncFault::Broken), Operation::Sync { file }) => {
                (Operation::FailedSync { file }, error::broken("the sync failed"))
            }
            (Some(SyncFault::Broken), _) => {
                (Operation::Nothing, error::broken("the sync of the names failed"))
            }
        };
        self.perform(operation)?;
        Err(error)
    }

    /// One boundary. When the power goes at it, what it does is not durable yet, so that the crash decides how much of it
    /// happened.
    pub(super) fn perform(&mut self, operation: Operation<'_>) -> io::Result<()> {
        self.check_power()?;
        let number = self.boundaries;
        self.boundaries += 1;
        if let Some(recording) = &mut self.recording {
            recording.push(operation.clone().into_owned());
        }
        if self.crash_at.is_some_and(|boundary| boundary <= number) {
            self.power = Power::Off;
            if !operation.is_sync() {
                self.state.apply(operation);
            }
            return Err(error::power_lost());
        }
        let may_let_go = matches!(operation, Operation::SyncNames);
        self.state.apply(operation);
        if may_let_go {
            self.state.collect(|file| self.handles.contains_key(&file));
        }
        Ok(())
    }
}

fn position(offset: u64, length: usize) -> io::Result<usize> {
    match offset.checked_add(length as u64) {
        Some(end) if end <= LARGEST_FILE => {
            usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
        }
        _ => Err(io::ErrorKind::FileTooLarge.into()),
    }
}
