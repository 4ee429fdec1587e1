use std::{io, sync::Arc};

use super::{
    FILE_NAME, SnapshotReport,
    contents::{Places, Records},
    format::{FIRST_RECORD, FileFault},
    reader::read_file_header,
    recovery::Settling,
    scan::{Scanned, scan},
};
use crate::{
    damage::{Damage, Failure},
    disk::{Disk, Open},
    format::StoreId,
};

/// What opening the file for writing would find, and how long the file is; `None` where there is none. Nothing is changed,
/// and another process may be writing it.
///
/// # Errors
///
/// [`Failure::Io`], and [`Failure::Damaged`] when the file is of another store or in another format.
pub(crate) fn check(disk: &dyn Disk, store: StoreId) -> Result<Option<(SnapshotReport, u64)>, Failure> {
    let described: Arc<str> = disk.describe(FILE_NAME).into();
    let file = match disk.open(FILE_NAME, Open::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io(|| format!("cannot open {described}"))(error)),
    };
    let length = || file.length().map_err(Failure::io(|| format!("cannot read {described}")));
    let mut report = SnapshotReport::default();
    let header = match read_file_header(&*file, store, &described)? {
        Ok(header) => Some(header),
        Err(FileFault::Damaged(detail)) => {
            report.damage(&described, 0, length()?.min(FIRST_RECORD), detail);
            None
        }
        Err(FileFault::Refused(detail)) => {
            return Err(Damage { file: described.to_string(), offset: 0, detail }.into());
        }
    };
    let generation = header.map(|header| header.generation);
    let scanned = |length| Scanned { file: &*file, described: &described, store, from: FIRST_RECORD, length };
    // Gone through twice: what was durable the first time is not being written the second time.
    let first = scan(&scanned(length()?), generation, |_, _| {})?;
    let proven = first.proven(header);
    let length = length()?;
    let mut places = Places::default();
    let end = scan(&scanned(length), first.generation, |key, place| places.offer(key, place))?;
    report.snapshots = places.count();
    if let Some(generation) = end.generation {
        let records =
            Records { file: Arc::clone(&file), store, generation, described: Arc::clone(&described) };
        Settling { records: &records, length, report: &mut report }.report_unsound(proven, &end)?;
    }
    Ok(Some((report, length)))
}
