use std::{io, sync::Arc};

use eventstore_api::{InvalidInput, Snapshot, StreamId};
use parking_lot::Mutex;

use super::{
    FILE_NAME,
    contents::{Contents, Place, Places, Records, SnapshotKey},
    format::{FILE_HEADER_BYTES, FIRST_RECORD, FileFault, FileHeader},
    scan::{ScanEnd, Scanned, scan},
};
use crate::{
    damage::{Damage, Failure},
    disk::{Disk, DiskFile, Open, read_up_to},
    format::StoreId,
    index::Wait,
};

/// The snapshots of a store that another process may be writing.
///
/// It writes nothing, and shows whole records with the right checksums. A snapshot may be seen a moment before it is
/// durable.
#[derive(Debug)]
pub(crate) struct SnapshotsReader {
    disk: Arc<dyn Disk>,
    store: StoreId,
    described: Arc<str>,
    contents: Contents,
    /// How far what generation has been read.
    progress: Mutex<Progress>,
}

#[derive(Clone, Copy, Debug)]
struct Progress {
    generation: Option<u64>,
    /// Where the next record will stand, in bytes.
    next: u64,
}

impl SnapshotsReader {
    pub(super) fn open(disk: Arc<dyn Disk>, store: StoreId) -> Result<Self, Failure> {
        let described = disk.describe(FILE_NAME).into();
        let progress = Mutex::new(Progress { generation: None, next: FIRST_RECORD });
        let reader = Self { disk, store, described, contents: Contents::default(), progress };
        reader.refresh()?;
        Ok(reader)
    }

    /// The latest snapshot of a stream, as of the last refresh or later.
    ///
    /// # Errors
    ///
    /// [`Failure::WouldWait`] only when waiting was not allowed, [`Failure::Damaged`] when the record is not what it was.
    pub(crate) fn latest(&self, stream: &StreamId, wait: Wait) -> Result<Option<Snapshot>, Failure> {
        match (self.contents.latest(stream, wait), wait) {
            // The disk may have closed the file and opened it again by its name, which another generation has by now.
            (Err(Failure::Damaged(_)), Wait::Allowed) => {
                self.refresh()?;
                self.contents.latest(stream, wait)
            }
            (Err(Failure::Damaged(_)), Wait::Never) => Err(Failure::WouldWait),
            (answer, _) => answer,
        }
    }

    /// The first streams behind this one of which there is a snapshot, as of the last refresh.
    ///
    /// # Errors
    ///
    /// For a limit of zero.
    pub(crate) fn streams(
        &self,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamId>, InvalidInput> {
        self.contents.streams(after, limit)
    }

    /// Of how many streams there is a snapshot, as of the last refresh.
    pub(crate) fn count(&self) -> u64 {
        self.contents.count()
    }

    /// Looks for what has been saved since: reads what is new, or the whole file if it is another one now. Waits for the
    /// disk.
    ///
    /// # Errors
    ///
    /// [`Failure::Io`], and [`Failure::Damaged`] when the file is of another store or in another format. What was there
    /// before stays.
    pub(crate) fn refresh(&self) -> Result<(), Failure> {
        let mut progress = self.progress.lock();
        let file = match self.disk.open(FILE_NAME, Open::Read) {
            Ok(file) => file,
            // The writer has not come to it yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Failure::io(|| format!("cannot read {}", self.described))(error)),
        };
        let mut generation = self.read_generation(&*file)?;
        loop {
            let goes_on = generation.is_some() && generation == progress.generation;
            let from = if goes_on { progress.next } else { FIRST_RECORD };
            let mut found = Places::default();
            let (end, next) =
                self.scan_settled(&*file, from, generation, |key, place| found.offer(key, place))?;
            // Also here the disk may have opened another file under the name.
            let generation_by_now = self.read_generation(&*file)?;
            if generation_by_now != generation {
                generation = generation_by_now;
                continue;
            }
            if goes_on {
                self.contents.offer(found.sorted());
            } else {
                let (store, described) = (self.store, Arc::clone(&self.described));
                let records = end.generation.map(|generation| Records { file, store, generation, described });
                self.contents.replace(records, found);
            }
            *progress = Progress { generation, next };
            return Ok(());
        }
    }

    /// None when the header cannot be believed; the records tell then.
    fn read_generation(&self, file: &dyn DiskFile) -> Result<Option<u64>, Failure> {
        match read_file_header(file, self.store, &self.described)? {
            Ok(header) => Ok(Some(header.generation)),
            Err(FileFault::Damaged(_)) => Ok(None),
            Err(FileFault::Refused(detail)) => {
                Err(Damage { file: self.described.to_string(), offset: 0, detail }.into())
            }
        }
    }

    /// Goes through what is written meanwhile, and says where to go on another time.
    ///
    /// One read may see the beginning of a record as it was before it was written, and the record behind it as it is
    /// now. So what seems to be a gap is read a second time: by then everything before the end of the first scan is
    /// written. What is shown twice changes nothing.
    pub(super) fn scan_settled(
        &self,
        file: &dyn DiskFile,
        from: u64,
        generation: Option<u64>,
        mut show: impl FnMut(SnapshotKey, Place),
    ) -> Result<(ScanEnd, u64), Failure> {
        let length = || file.length().map_err(Failure::io(|| format!("cannot read {}", self.described)));
        let scanned =
            |from, length| Scanned { file, described: &self.described, store: self.store, from, length };
        let first = scan(&scanned(from, length()?), generation, &mut show)?;
        let Some(gap) = first.gaps.first() else {
            let next = first.end;
            return Ok((first, next));
        };
        let second = scan(&scanned(gap.from, length()?), first.generation, &mut show)?;
        let unsettled = second.gaps.iter().find(|gap| gap.from >= first.end);
        let next = unsettled.map_or(second.end, |gap| gap.from);
        Ok((second, next))
    }
}

pub(super) fn read_file_header(
    file: &dyn DiskFile,
    store: StoreId,
    described: &str,
) -> Result<Result<FileHeader, FileFault>, Failure> {
    let mut bytes = [0; FILE_HEADER_BYTES];
    let read = read_up_to(file, &mut bytes, 0).map_err(Failure::io(|| format!("cannot read {described}")))?;
    Ok(FileHeader::decode(bytes.get(..read).unwrap_or_default(), store))
}
