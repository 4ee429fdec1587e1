use std::io;

use super::{
    ASIDE_NAME, FILE_NAME, Snapshots,
    contents::{Place, Places, Records},
    format::{FIRST_RECORD, FileHeader, RecordHeader, RecordKind},
    writer::{Writer, failed_save, is_full},
};
use crate::{
    damage::Failure,
    disk::{DiskFile, Open, write_all},
    index::Wait,
};

/// How much is written at once, in bytes.
const AT_ONCE: usize = 1 << 20;

impl Snapshots {
    /// Rewrites the file if enough of it is garbage. Saves wait, reads go on.
    ///
    /// # Errors
    ///
    /// Only when nobody knows any more which file has the name. Where the copy fails, the file that there is stays.
    pub(super) fn rewrite_if_worthwhile(&self, writer: &mut Writer) -> Result<(), Failure> {
        let garbage = writer.garbage(self.contents.with_places(Places::live_bytes));
        if garbage < writer.next_rewrite || garbage <= writer.end / 2 {
            return Ok(());
        }
        let (copy, places, end) = match self.copy_live(&writer.records) {
            Ok(copied) => copied,
            Err(failure) => {
                self.put_off(writer, garbage, &failure);
                return Ok(());
            }
        };
        match self.disk.rename(ASIDE_NAME, FILE_NAME) {
            Ok(()) => {}
            Err(error) if is_full(&error) => {
                self.put_off(writer, garbage, &failed_save(error));
                return Ok(());
            }
            Err(error) => return Err(writer.poison("rename the next generation of", error)),
        }
        self.contents.replace(Some(copy.clone()), places);
        writer.go_on_in(copy, end);
        writer.next_rewrite = self.options.least_garbage;
        if let Err(error) = self.disk.sync_names() {
            // A crash might bring the old file back.
            return Err(writer.poison("sync the name of", error));
        }
        // All that was written is in the copy, which is durable, and so is its name.
        writer.synced = writer.written;
        Ok(())
    }

    /// Nothing has happened to the file that there is.
    fn put_off(&self, writer: &mut Writer, garbage: u64, failure: &Failure) {
        let file = &writer.records.described;
        tracing::warn!(%file, error = %failure, "the snapshots could not be rewritten; the file grows on");
        // Gives back the room. It is written from the beginning another time.
        let _ = self.disk.remove(ASIDE_NAME);
        writer.next_rewrite = garbage.saturating_add(self.options.least_garbage);
    }

    /// The next generation, durable but for its name.
    fn copy_live(&self, records: &Records) -> Result<(Records, Places, u64), Failure> {
        let failure = || Failure::io(|| format!("cannot write {}", self.disk.describe(ASIDE_NAME)));
        let file = self.disk.open(ASIDE_NAME, Open::Replace).map_err(failure())?;
        let copy = Records { file, generation: records.generation.wrapping_add(1), ..records.clone() };
        let mut out = Out { file: &*copy.file, buffer: Vec::new(), written: FIRST_RECORD };
        let mut places = Places::default();
        for (key, place) in self.contents.with_places(Places::sorted) {
            let (body, body_checksum) = match records.body(place, Wait::Allowed) {
                Ok(found) => found,
                // It can be made again from events, and would else keep the file from ever being rewritten.
                Err(Failure::Damaged(damage)) => {
                    tracing::error!(%damage, "a snapshot is damaged, and dropped");
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            let offset = out.end();
            let header = RecordHeader {
                kind: RecordKind::Snapshot,
                body_bytes: place.body_bytes,
                body_checksum,
                generation: copy.generation,
                // What the file's header says is more.
                synced_through: FIRST_RECORD,
            };
            out.add(&[&header.encode(copy.store, offset), &body]).map_err(failure())?;
            places.offer(key, Place { offset, ..place });
        }
        let end = out.end();
        let mut finish = || {
            out.write()?;
            let header = FileHeader { generation: copy.generation, carried_through: end };
            write_all(&*copy.file, &header.encode(copy.store), 0)?;
            copy.file.sync_all()
        };
        finish().map_err(failure())?;
        Ok((copy, places, end))
    }
}

/// Collects small records, so that they are written together.
struct Out<'f> {
    file: &'f dyn DiskFile,
    buffer: Vec<u8>,
    /// Where the buffer belongs in the file, in bytes.
    written: u64,
}

impl Out<'_> {
    fn end(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn add(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        for part in parts {
            self.buffer.extend_from_slice(part);
        }
        self.buffer.resize(self.buffer.len().next_multiple_of(8), 0);
        if self.buffer.len() >= AT_ONCE { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        write_all(self.file, &self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
