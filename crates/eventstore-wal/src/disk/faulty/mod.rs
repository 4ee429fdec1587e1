//! A disk in memory that fails as disks do, the same way every time for the same seed.
//!
//! What is written is seen by reads at once, and durable only after a sync. A crash keeps of the rest what chance, a list
//! or an exhaustive search chooses: each sector in any of the versions it had, the length, each name. A workload is run
//! once, and then crashed at every boundary between its operations, without running it again:
//!
//! ```
//! use eventstore_wal::disk::{
//!     Disk, Open,
//!     faulty::{FaultyDisk, Seeded},
//! };
//!
//! # fn main() -> std::io::Result<()> {
//! let disk = FaultyDisk::new();
//! disk.record();
//! let file = disk.open("log", Open::Create)?;
//! file.write_at(b"one", 0)?;
//! file.sync_data()?;
//! disk.sync_names()?;
//! let acknowledged = disk.boundaries();
//! file.write_at(b"two", 3)?;
//!
//! for point in disk.take_recording().crash_points() {
//!     for seed in 0..10 {
//!         let after = point.crash(&mut Seeded::new(seed));
//!         let found = after.contents().remove("log").unwrap_or_default();
//!         if point.boundary() >= acknowledged {
//!             assert!(found.starts_with(b"one"), "{point:?}, seed {seed}");
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not do
//!
//! A sector is never torn. Hard links, directories and mapped files are none of [`Disk`](super::Disk). A failed sync of the
//! names leaves them unsynced, not forgotten. Reads never see what is durable before a crash: no page is ever evicted.

#![cfg_attr(
    not(feature = "torture"),
    allow(
        dead_code,
        unreachable_pub,
        unused_imports,
        reason = "unit tests see it too, but then it is not public"
    )
)]

mod chooser;
mod error;
mod faults;
mod file;
mod handle;
mod image;
mod machine;
mod names;
mod operation;
mod random;
mod recording;
mod sector;
mod state;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, io, sync::Arc};

use parking_lot::Mutex;

pub use chooser::{Always, Chooser, Exhaustive, Replay, Seeded};
pub use error::{Injected, Killed, PowerLost, is_injected, is_killed, is_power_loss};
pub use faults::{ChangeFault, Faults, ReadFault, SyncFault, When, WriteFault};
pub use recording::{CrashPoint, CrashPoints, Recording};
pub use sector::SectorSize;

use machine::{Machine, Power};
use operation::Operation;
use state::State;

/// The disk. A clone is the same disk; [`FaultyDisk::fork`] makes another one.
///
/// Every operation that changes something is a *boundary*: each write, each change of a length or of names, each sync, also
/// one that fails. Boundaries are numbered from 0 on.
#[derive(Clone)]
pub struct FaultyDisk {
    machine: Arc<Mutex<Machine>>,
}

impl FaultyDisk {
    /// An empty disk with sectors of 512 bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_sectors(SectorSize::default())
    }

    /// An empty disk with sectors of this size.
    #[must_use]
    pub fn with_sectors(size: SectorSize) -> Self {
        Self::of(Machine::new(State::new(size.bytes()), 0, faults::Running::new(Faults::default())))
    }

    fn of(machine: Machine) -> Self {
        Self { machine: Arc::new(Mutex::new(machine)) }
    }

    /// How many boundaries have been passed, which is the number of the next one. A disk after a crash starts at 0.
    #[must_use]
    pub fn boundaries(&self) -> u64 {
        self.machine.lock().boundaries
    }

    /// The power goes at this boundary, or at the next one if it has been passed. The operation at it fails, and how much of
    /// it has happened is for the crash to choose; everything after it fails, see [`is_power_loss`], until
    /// [`FaultyDisk::crash`].
    pub fn crash_at(&self, boundary: u64) {
        self.machine.lock().crash_at(Some(boundary));
    }

    /// Whether the power is on, and no process was killed.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.machine.lock().power() == Power::On
    }

    /// Cuts the power, if it is still on, and returns the disk after the power came back: what is there is durable, nothing
    /// is open or locked, no faults are planned, nothing is recorded. Files that are open on this one fail from now on.
    pub fn crash(&self, chooser: &mut dyn Chooser) -> Self {
        let mut machine = self.machine.lock();
        machine.cut_power();
        Self::of(Machine::new(machine.state.crash(chooser), 0, faults::Running::new(Faults::default())))
    }

    /// Kills the process that uses the disk (`SIGKILL`), and returns the disk as the next process finds it: nothing is open
    /// or locked, but everything written is there, and what was not synced is still not synced. Faults, boundaries and the
    /// recording go on. Files that are open on this one fail from now on, see [`is_killed`].
    #[must_use]
    pub fn kill(&self) -> Self {
        Self::of(self.machine.lock().kill())
    }

    /// Another disk that is now as this one is, unsynced parts and faults included. Nothing is open, locked or recorded on
    /// it. Cheap: both share what neither changes.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::of(self.machine.lock().fork())
    }

    /// Plans these faults, instead of those that were planned.
    pub fn set_faults(&self, faults: Faults) {
        self.machine.lock().set_faults(faults);
    }

    /// Writes down all that happens from now on, anew if that was being done.
    pub fn record(&self) {
        self.machine.lock().record();
    }

    /// What was written down since [`FaultyDisk::record`]; the recording ends.
    #[must_use]
    pub fn take_recording(&self) -> Recording {
        self.machine.lock().take_recording()
    }

    /// Turns one bit of a file over, in what reads see and in what is durable. Counts as a boundary.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`], [`io::ErrorKind::InvalidInput`] for an offset beyond the end, or no power.
    pub fn flip_bit(&self, name: &str, offset: u64, bit: u8) -> io::Result<()> {
        let mut machine = self.machine.lock();
        machine.check_power()?;
        let file = machine.find(name)?;
        let length = machine.state.file(file).map_or(0, |file| file.live().length());
        match usize::try_from(offset) {
            Ok(offset) if offset < length => machine.perform(Operation::Flip { file, offset, bit }),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// All files as reads see them. This asks the memory behind the disk: no fault and no power loss gets in its way.
    #[must_use]
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        self.machine.lock().state.contents()
    }

    /// A number that two disks have in common when their [`FaultyDisk::contents`] are equal, and hardly otherwise: two
    /// crashes that leave the same need not both be recovered from. About a microsecond for 16 KiB.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.machine.lock().state.fingerprint()
    }

    /// The bytes that files take up, in blocks of 4096; see [`Faults::capacity`].
    #[must_use]
    pub fn allocated(&self) -> usize {
        self.machine.lock().allocated()
    }
}

impl Default for FaultyDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FaultyDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = self.machine.lock();
        let files = machine.state.names().live().count();
        write!(
            f,
            "FaultyDisk of {files} files after {} boundaries, {:?}",
            machine.boundaries,
            machine.power()
        )
    }
}
