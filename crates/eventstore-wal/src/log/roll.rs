use std::sync::Arc;

use eventstore_api::StoreError;

use super::{
    Log, Space,
    tail::{SEAL_BYTES, Tail, TailEnd},
};
use crate::{
    catalog::Catalog,
    damage::Failure,
    disk::{Disk, DiskFile, Open, write_all},
    format::{FrameHeader, FrameKind, SEGMENT_HEADER_BYTES, SegmentHeader, StoreId, VersionWidth},
    index::{ActiveIndex, IndexOf, SegmentStart, Sidecar},
    segment::{Sealed, Segment},
};

/// What a segment is called before it has its place in the log.
pub(super) const NEXT_NAME: &str = "next.segment";

impl Log {
    /// Seals the segment that is written and begins the next, in which a frame of this length will have room. Everything
    /// before must be settled.
    pub(super) fn roll(&mut self, frame_bytes: u64) -> Result<(), StoreError> {
        // As long as nothing is sealed, a full disk changes nothing.
        let room = SEGMENT_HEADER_BYTES as u64 + frame_bytes + SEAL_BYTES;
        let next = Next::prepare(&self.disk, self.options.extent_bytes, self.options.segment_bytes, room)?;
        self.seal_and_begin(next).map_err(|failure| {
            self.poison(failure.clone());
            StoreError::storage(failure)
        })
    }

    fn seal_and_begin(&mut self, next: Next) -> Result<(), Failure> {
        let old = Arc::clone(&self.tail.segment);
        let mut sealed = Sealed {
            end: self.tail.end(),
            last_position: self.tail.head(),
            max_id_so_far: self.greatest_ids.all,
            recorded_at: self.last_recorded_at,
            checksum: 0,
        };
        self.tail.space.stop();
        if self.tail.synced() < self.tail.written() {
            self.sync()?;
        }
        self.tail.add(self.bare_frame(FrameKind::Seal), &[]);
        sealed.checksum = self.tail.previous_checksum();
        let sealing = |log: &mut Self| {
            log.tail.write()?;
            old.file().set_len(log.tail.written())?;
            old.file().sync_all()
        };
        sealing(self).map_err(Failure::io(|| format!("cannot seal {}", old.described)))?;
        old.seal(sealed);
        self.begin_after(sealed, next, old.start)
    }

    /// Puts the prepared segment behind the one that has just been sealed.
    fn begin_after(&mut self, sealed: Sealed, next: Next, previous: SegmentStart) -> Result<(), Failure> {
        let place = Place {
            start: SegmentStart::new(sealed.last_position + 1),
            previous: Some(previous),
            previous_checksum: sealed.checksum,
        };
        #[cfg(feature = "torture")]
        let sync_names = self.options.bug != Some(super::SeededBug::SkipNameSync);
        #[cfg(not(feature = "torture"))]
        let sync_names = true;
        let tail = next.begin(&self.disk, &self.catalog, place, sync_names)?;
        let old = std::mem::replace(&mut self.tail, tail);
        self.greatest_ids.sealed = sealed.max_id_so_far;
        #[cfg(feature = "torture")]
        {
            self.tail.forgets_watermark = old.forgets_watermark;
        }
        self.unindexed.push(SealWork {
            disk: Arc::clone(&self.disk),
            store: self.catalog.store,
            segment: old.segment,
            index: old.index,
            sealed,
        });
        self.tell_synced();
        Ok(())
    }

    /// A frame without a body.
    pub(super) fn bare_frame(&self, kind: FrameKind) -> FrameHeader {
        FrameHeader {
            kind,
            body_bytes: 0,
            first_position: self.tail.head() + 1,
            recorded_at: self.last_recorded_at,
            events: 0,
            streams: 0,
            versions: VersionWidth::One,
            synced_through: 0,
            previous_checksum: 0,
            body_checksum: crc32fast::hash(&[]),
        }
    }

    /// The indexes that are still to be written beside their segments. Whoever takes the work does it, on any thread.
    pub(crate) fn take_seal_work(&mut self) -> Vec<SealWork> {
        std::mem::take(&mut self.unindexed)
    }

    /// Does all work that a thread in the background does elsewhere.
    pub fn run_background_work(&mut self) {
        for work in self.take_seal_work() {
            if let Err(work) = work.run() {
                self.unindexed.push(work);
            }
        }
    }
}

/// A file that is ready to become a segment.
pub(super) struct Next {
    file: Arc<dyn DiskFile>,
    space: Space,
}

/// Where in the log a segment stands.
pub(super) struct Place {
    pub(super) start: SegmentStart,
    pub(super) previous: Option<SegmentStart>,
    pub(super) previous_checksum: u32,
}

impl Next {
    /// Makes a file of zeros, at least so long.
    pub(super) fn prepare(
        disk: &Arc<dyn Disk>,
        extent_bytes: u64,
        segment_bytes: u64,
        room: u64,
    ) -> Result<Self, Failure> {
        let prepare = || {
            let file = disk.open(NEXT_NAME, Open::Replace)?;
            let space = Space::new(disk.open(NEXT_NAME, Open::Write)?, 0, extent_bytes, segment_bytes);
            space.prepare(room)?;
            Ok(Self { file, space })
        };
        prepare().map_err(|error| {
            // What there is of it would keep the disk full. Where it cannot be removed, the next opener does.
            let _ = disk.remove(NEXT_NAME);
            Failure::io(|| format!("cannot make room in {}", disk.describe(NEXT_NAME)))(error)
        })
    }

    /// Gives it its header, and then its name: a segment that can be seen is whole.
    pub(super) fn begin(
        self,
        disk: &Arc<dyn Disk>,
        catalog: &Catalog,
        place: Place,
        sync_names: bool,
    ) -> Result<Tail, Failure> {
        let Place { start, previous, previous_checksum } = place;
        let header = SegmentHeader { store: catalog.store, start, previous, previous_checksum };
        let (bytes, checksum) = header.encode();
        let name = start.file_name();
        let begin = || {
            write_all(&*self.file, &bytes, 0)?;
            self.file.sync_all()?;
            disk.rename(NEXT_NAME, &name)?;
            if sync_names { disk.sync_names() } else { Ok(()) }
        };
        begin().map_err(Failure::io(|| format!("cannot begin {}", disk.describe(&name))))?;
        let index = Arc::new(ActiveIndex::new(catalog.store.as_bytes(), start));
        let segment = Segment::new(catalog.store, start, self.file, disk.describe(&name), index.clone());
        let segment = Arc::new(segment);
        catalog.add_segment(Arc::clone(&segment));
        let end = TailEnd {
            offset: SEGMENT_HEADER_BYTES as u64,
            checksum,
            head: start.get() - 1,
            is_marked: false,
        };
        Ok(Tail::new(segment, index, Arc::new(self.space), end))
    }
}

/// A sealed segment, whose index is still to be written beside it.
#[derive(Debug)]
pub(crate) struct SealWork {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) store: StoreId,
    pub(super) segment: Arc<Segment>,
    pub(super) index: Arc<ActiveIndex>,
    pub(super) sealed: Sealed,
}

impl SealWork {
    /// Writes the index, and lets go of the one in memory. Where that fails, the one in memory goes on, and the work is
    /// handed back.
    pub(crate) fn run(self) -> Result<(), Self> {
        let Self { disk, store, segment, index, sealed } = &self;
        let place = (segment.start, IndexOf::Segment);
        let written =
            Sidecar::write(&**disk, store.as_bytes(), place, sealed.end, sealed.last_position, index)
                .map_err(|error| error.to_string())
                .and_then(|()| {
                    Sidecar::open(&**disk, store.as_bytes(), segment.start, IndexOf::Segment)
                        .map_err(|error| error.to_string())
                });
        match written {
            Ok(sidecar) => {
                segment.replace_index(Arc::new(sidecar));
                // From here on it is one of many that are only read.
                if let Ok(file) = disk.open(&segment.start.file_name(), Open::Read) {
                    segment.replace_file(file);
                }
                Ok(())
            }
            Err(error) => {
                tracing::warn!(segment = %segment.described, %error, "the index of a sealed segment stays in memory");
                Err(self)
            }
        }
    }
}
