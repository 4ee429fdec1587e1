use bytes::Bytes;
use eventstore_codec::decode_snapshot;

use super::{
    contents::{Place, SnapshotKey},
    format::{
        ALIGNMENT, FIRST_RECORD, FileHeader, MAX_BODY_BYTES, RECORD_HEADER_BYTES, RECORD_MAGIC, RecordFault,
        RecordHeader, RecordKind,
    },
};
use crate::{
    damage::Failure,
    disk::{DiskFile, read_up_to},
    format::StoreId,
};

/// How much is read at once, in bytes.
const AT_ONCE: u64 = 1 << 20;

/// The part of a file that is gone through.
pub(super) struct Scanned<'f> {
    pub(super) file: &'f dyn DiskFile,
    /// What to call the file in messages.
    pub(super) described: &'f str,
    pub(super) store: StoreId,
    /// Where a record begins, or would.
    pub(super) from: u64,
    /// Where the file ends.
    pub(super) length: u64,
}

/// Where a scan came to.
#[derive(Clone, Debug)]
pub(super) struct ScanEnd {
    /// As it was given; else that of the first record.
    pub(super) generation: Option<u64>,
    /// Behind the last sound record, in bytes.
    pub(super) end: u64,
    /// Up to where the records themselves say that the file was durable, in bytes.
    pub(super) synced: u64,
    /// What stands between sound records and is none.
    pub(super) gaps: Vec<Gap>,
    /// What stands behind the last one; none at the end of the file.
    pub(super) rest: Option<RecordFault>,
}

impl ScanEnd {
    /// Up to where the file, with this header if that is whole, says that it was durable.
    pub(super) fn proven(&self, header: Option<FileHeader>) -> u64 {
        self.synced.max(header.map_or(FIRST_RECORD, |header| header.carried_through))
    }
}

/// Bytes between sound records that are no sound record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) fault: RecordFault,
}

/// Goes through the records and shows where the snapshots are. What is no sound record is stepped over.
pub(super) fn scan(
    scanned: &Scanned<'_>,
    generation: Option<u64>,
    mut show: impl FnMut(SnapshotKey, Place),
) -> Result<ScanEnd, Failure> {
    let mut window = Window { scanned, bytes: Bytes::new(), offset: 0 };
    let mut end = ScanEnd { generation, end: scanned.from, synced: 0, gaps: Vec::new(), rest: None };
    let mut at = scanned.from;
    while at < scanned.length {
        let fault = match window.header(at)? {
            Ok(header) if end.generation.is_some_and(|known| known != header.generation) => {
                at += ALIGNMENT;
                RecordFault::OtherGeneration
            }
            Ok(header) => {
                end.generation = Some(header.generation);
                end.synced = end.synced.max(header.synced_through);
                let from = at;
                at = at.saturating_add(header.record_bytes());
                match window.snapshot(&header, from)? {
                    Ok(found) => {
                        if let Some((key, place)) = found {
                            show(key, place);
                        }
                        if let Some(fault) = end.rest.take() {
                            end.gaps.push(Gap { from: end.end, to: from, fault });
                        }
                        end.end = at;
                        continue;
                    }
                    Err(fault) => fault,
                }
            }
            Err(fault) => {
                at = window.next_magic(at + ALIGNMENT)?;
                fault
            }
        };
        end.rest.get_or_insert(fault);
    }
    Ok(end)
}

/// Where the last byte that is not zero ends, from an offset on; the offset itself if there is none.
pub(super) fn written_through(scanned: &Scanned<'_>) -> Result<u64, Failure> {
    let mut window = Window { scanned, bytes: Bytes::new(), offset: 0 };
    let (mut at, mut through) = (scanned.from, scanned.from);
    while at < scanned.length {
        let bytes = window.at(at, 1)?;
        if bytes.is_empty() {
            break;
        }
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            through = at + last as u64 + 1;
        }
        at += bytes.len() as u64;
    }
    Ok(through)
}

/// What was read last: the next record is often there too.
struct Window<'s> {
    scanned: &'s Scanned<'s>,
    bytes: Bytes,
    offset: u64,
}

impl Window<'_> {
    fn header(&mut self, at: u64) -> Result<Result<RecordHeader, RecordFault>, Failure> {
        let bytes = self.at(at, RECORD_HEADER_BYTES as u64)?;
        Ok(RecordHeader::decode(&bytes, self.scanned.store, at))
    }

    /// The snapshot of a record, `None` for one that holds none.
    fn snapshot(
        &mut self,
        header: &RecordHeader,
        at: u64,
    ) -> Result<Result<Option<(SnapshotKey, Place)>, RecordFault>, Failure> {
        // With the padding: the next record begins behind it.
        if at.saturating_add(header.record_bytes()) > self.scanned.length {
            return Ok(Err(RecordFault::CutOff));
        }
        if header.kind == RecordKind::Gap {
            return Ok(Ok(None));
        }
        let bytes = self.at(at, RECORD_HEADER_BYTES as u64 + header.body_bytes.min(MAX_BODY_BYTES))?;
        let Some(body) = body(&bytes, header) else { return Ok(Err(RecordFault::CutOff)) };
        if crc32fast::hash(&body) != header.body_checksum {
            return Ok(Err(RecordFault::BodyChecksum));
        }
        let Ok(snapshot) = decode_snapshot(&body) else { return Ok(Err(RecordFault::Unreadable)) };
        let place = Place { offset: at, body_bytes: header.body_bytes, version: snapshot.version };
        Ok(Ok(Some((SnapshotKey::of(&snapshot), place))))
    }

    /// Where the next header may begin, or the end of the file.
    fn next_magic(&mut self, mut at: u64) -> Result<u64, Failure> {
        while at < self.scanned.length {
            let bytes = self.at(at, ALIGNMENT)?;
            let eights = (at..).step_by(8).zip(bytes.chunks(8));
            if let Some((found, _)) = eights.into_iter().find(|(_, eight)| eight.starts_with(&RECORD_MAGIC)) {
                return Ok(found);
            }
            if bytes.is_empty() {
                break;
            }
            at += (bytes.len() as u64).next_multiple_of(ALIGNMENT);
        }
        Ok(self.scanned.length)
    }

    /// What stands from an offset on, at least so many bytes unless the file ends.
    fn at(&mut self, offset: u64, least: u64) -> Result<Bytes, Failure> {
        let least = least.min(self.scanned.length.saturating_sub(offset));
        let in_window = offset.checked_sub(self.offset).and_then(|start| usize::try_from(start).ok());
        let held = in_window.and_then(|start| self.bytes.get(start..)).map_or(0, <[u8]>::len);
        if (held as u64) < least || held == 0 {
            let length = AT_ONCE.max(least).min(self.scanned.length.saturating_sub(offset));
            let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
            let read = read_up_to(self.scanned.file, &mut bytes, offset)
                .map_err(Failure::io(|| format!("cannot read {}", self.scanned.described)))?;
            bytes.truncate(read);
            self.bytes = bytes.into();
            self.offset = offset;
            return Ok(self.bytes.clone());
        }
        Ok(in_window.map_or_else(Bytes::new, |start| self.bytes.slice(start..)))
    }
}

/// The body of a record that stands at the front of these bytes.
pub(super) fn body(record: &Bytes, header: &RecordHeader) -> Option<Bytes> {
    let end = usize::try_from(header.body_bytes).ok()?.checked_add(RECORD_HEADER_BYTES)?;
    (end <= record.len()).then(|| record.slice(RECORD_HEADER_BYTES..end))
}
