use std::{io, sync::Arc};

use uuid::Uuid;

use super::{
    ASIDE_NAME, DAMAGED_NAME, FILE_NAME,
    contents::{Places, Records},
    format::{
        FILE_HEADER_BYTES, FIRST_RECORD, FileFault, FileHeader, RECORD_HEADER_BYTES, RecordHeader, RecordKind,
    },
    reader::read_file_header,
    scan::{Gap, ScanEnd, Scanned, scan, written_through},
};
use crate::{
    damage::{Damage, Failure},
    disk::{Disk, DiskFile, Open, read_up_to, replace, write_all},
    format::StoreId,
};

/// How much is copied at once, in bytes.
const AT_ONCE: u64 = 1 << 20;

/// What was found when the snapshots were opened, and what was done about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SnapshotReport {
    /// Of how many streams there is a snapshot.
    pub(crate) snapshots: u64,
    /// Saves that were interrupted. None of them had been acknowledged as durable.
    pub(crate) torn: Vec<UnsoundBytes>,
    /// What had been durable, and is not what was written. What the snapshots there held can be made again from events.
    pub(crate) damaged: Vec<UnsoundBytes>,
    /// How many bytes were not known to be durable, and were written again.
    pub(crate) bytes_rewritten: u64,
}

/// Bytes that are no sound record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnsoundBytes {
    /// The file.
    pub(crate) file: String,
    /// Where they begin, in bytes.
    pub(crate) offset: u64,
    /// How many there are.
    pub(crate) bytes: u64,
    /// What is wrong with the first of them.
    pub(crate) detail: String,
}

pub(super) struct Recovered {
    pub(super) records: Records,
    pub(super) places: Places,
    /// Where the next record goes. Everything before is durable.
    pub(super) end: u64,
    /// Up to where the file itself says so.
    pub(super) proven: u64,
    pub(super) report: SnapshotReport,
}

/// Brings the file into order. To do it twice, or to be interrupted and do it again, changes nothing more.
pub(super) fn recover(disk: &dyn Disk, store: StoreId) -> Result<Recovered, Failure> {
    // What the last opener did to the names may not be durable yet.
    disk.sync_names().map_err(Failure::io(|| "cannot sync the directory of the store".to_owned()))?;
    match disk.remove(ASIDE_NAME) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Failure::io(|| format!("cannot remove {}", disk.describe(ASIDE_NAME)))(error));
        }
        _ => {}
    }
    let described: Arc<str> = disk.describe(FILE_NAME).into();
    let file = match disk.open(FILE_NAME, Open::Write) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return begin(disk, store, 1, SnapshotReport::default());
        }
        Err(error) => return Err(Failure::io(|| format!("cannot open {described}"))(error)),
    };
    let length = file.length().map_err(Failure::io(|| format!("cannot read {described}")))?;
    let header = match read_file_header(&*file, store, &described)? {
        Ok(header) => Ok(header),
        Err(FileFault::Damaged(detail)) => Err(detail),
        Err(FileFault::Refused(detail)) => {
            return Err(Damage { file: described.to_string(), offset: 0, detail }.into());
        }
    };
    let mut places = Places::default();
    let scanned = Scanned { file: &*file, described: &described, store, from: FIRST_RECORD, length };
    let generation = header.as_ref().ok().map(|header| header.generation);
    let end = scan(&scanned, generation, |key, place| places.offer(key, place))?;
    let mut report = SnapshotReport { snapshots: places.count(), ..SnapshotReport::default() };
    if let Err(detail) = header {
        report.damage(&described, 0, length.min(FIRST_RECORD), detail);
    }
    let Some(generation) = end.generation else {
        disk.rename(FILE_NAME, DAMAGED_NAME).map_err(Failure::io(|| format!("cannot rename {described}")))?;
        report.tell();
        // Not known to whoever has seen the file before.
        return begin(disk, store, Uuid::now_v7().as_u64_pair().0, report);
    };
    let records = Records { file, store, generation, described };
    let header = header.ok();
    // A header that speaks of more than there is will not be there any more.
    let proven = end.proven(header.filter(|header| header.carried_through <= end.end)).min(end.end);
    let settling = Settling { records: &records, length, report: &mut report };
    settling.settle(header, &end)?;
    report.tell();
    Ok(Recovered { records, places, end: end.end, proven, report })
}

fn begin(
    disk: &dyn Disk,
    store: StoreId,
    generation: u64,
    report: SnapshotReport,
) -> Result<Recovered, Failure> {
    let described: Arc<str> = disk.describe(FILE_NAME).into();
    let header = FileHeader { generation, carried_through: FIRST_RECORD };
    let make = || {
        replace(disk, FILE_NAME, &header.encode(store))?;
        disk.open(FILE_NAME, Open::Write)
    };
    let file = make().map_err(Failure::io(|| format!("cannot create {described}")))?;
    let records = Records { file, store, generation, described };
    Ok(Recovered { records, places: Places::default(), end: FIRST_RECORD, proven: FIRST_RECORD, report })
}

/// What is left to do when it is known where the records are.
pub(super) struct Settling<'s> {
    pub(super) records: &'s Records,
    pub(super) length: u64,
    pub(super) report: &'s mut SnapshotReport,
}

impl Settling<'_> {
    fn settle(mut self, header: Option<FileHeader>, end: &ScanEnd) -> Result<(), Failure> {
        let proven = end.proven(header);
        self.report_unsound(proven, end)?;
        let described = &self.records.described;
        let unproven = proven.min(end.end);
        self.write_again(unproven, end.end)?;
        let file = &*self.records.file;
        let put_in_order = || {
            for gap in &end.gaps {
                self.mark_gap(file, gap)?;
            }
            // One that speaks of what is gone would have it missed each time.
            if header.is_none_or(|header| header.carried_through > end.end) {
                let anew = FileHeader { generation: self.records.generation, carried_through: FIRST_RECORD };
                write_all(file, &anew.encode(self.records.store), 0)?;
            }
            if self.length > end.end {
                file.set_len(end.end)?;
            }
            // Also when nothing was written: the end of the file may not be durable.
            file.sync_all()
        };
        put_in_order().map_err(Failure::io(|| format!("cannot recover {described}")))
    }

    /// Tells what had been durable from what was being written.
    pub(super) fn report_unsound(&mut self, proven: u64, end: &ScanEnd) -> Result<(), Failure> {
        let described = &self.records.described;
        for Gap { from, to, fault } in &end.gaps {
            match *from < proven {
                true => self.report.damage(described, *from, to - from, fault),
                false => self.report.tear(described, *from, to - from, fault),
            }
        }
        let rest = Scanned {
            file: &*self.records.file,
            described,
            store: self.records.store,
            from: end.end,
            length: self.length,
        };
        let through = written_through(&rest)?;
        let fault = end.rest.map_or_else(|| "the file ends there".to_owned(), |fault| fault.to_string());
        if end.end < proven {
            let detail = format!("{fault}, but the file had been durable through byte {proven}");
            self.report.damage(described, end.end, through.max(proven) - end.end, detail);
        } else if through > end.end {
            self.report.tear(described, end.end, through - end.end, fault);
        }
        Ok(())
    }

    /// Writes what is not known to be durable once more. Reading it proves nothing: after a sync has failed, a system may
    /// show what it has given up writing.
    fn write_again(&mut self, from: u64, to: u64) -> Result<(), Failure> {
        let described = &self.records.described;
        let file = &*self.records.file;
        let mut offset = from;
        while offset < to {
            let length = usize::try_from((to - offset).min(AT_ONCE)).unwrap_or(usize::MAX);
            let mut bytes = vec![0; length];
            let read = read_up_to(file, &mut bytes, offset)
                .map_err(Failure::io(|| format!("cannot read {described}")))?;
            if read < length {
                let detail = "the file has become shorter while it was read".to_owned();
                return Err(Damage { file: described.to_string(), offset, detail }.into());
            }
            write_all(file, &bytes, offset)
                .map_err(Failure::io(|| format!("cannot write to {described}")))?;
            offset += length as u64;
        }
        self.report.bytes_rewritten = to - from;
        Ok(())
    }

    /// Writes a header over the beginning of what is no record, so that it is stepped over from now on.
    fn mark_gap(&self, file: &dyn DiskFile, gap: &Gap) -> io::Result<()> {
        let Some(body_bytes) = (gap.to - gap.from).checked_sub(RECORD_HEADER_BYTES as u64) else {
            return Ok(());
        };
        let header = RecordHeader {
            kind: RecordKind::Gap,
            body_bytes,
            body_checksum: 0,
            generation: self.records.generation,
            synced_through: FILE_HEADER_BYTES as u64,
        };
        write_all(file, &header.encode(self.records.store, gap.from), gap.from)
    }
}

impl SnapshotReport {
    pub(super) fn damage(&mut self, file: &str, offset: u64, bytes: u64, detail: impl ToString) {
        self.damaged.push(UnsoundBytes { file: file.to_owned(), offset, bytes, detail: detail.to_string() });
    }

    fn tear(&mut self, file: &str, offset: u64, bytes: u64, detail: impl ToString) {
        self.torn.push(UnsoundBytes { file: file.to_owned(), offset, bytes, detail: detail.to_string() });
    }

    fn tell(&self) {
        for UnsoundBytes { file, offset, bytes, detail } in &self.damaged {
            tracing::error!(%file, offset, bytes, %detail, "what there was of snapshots is damaged, and passed over");
        }
        for UnsoundBytes { file, offset, bytes, detail } in &self.torn {
            tracing::warn!(%file, offset, bytes, %detail, "a save had been interrupted; what there was of it is dropped");
        }
    }
}
