use std::{
    collections::HashMap,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use eventstore_api::limits::MAX_BATCH_EVENTS;
use eventstore_codec::Names;
use eventstore_parquet::{ParquetError, ParquetOptions, ParquetReader};
use foldhash::fast::RandomState;

use super::{encoder::Encoder, part::PartFile};
use crate::{
    catalog::{Catalog, note_row},
    damage::Failure,
    disk::{Disk, DiskFile, Open, replace, write_all},
    format::PartEntry,
    frames::{Frame, Malformed},
    index::{ActiveIndex, FrameOffset, IndexOf, Previous, SegmentIndex as _, Sidecar, Wait},
    log::recovery::{read_segment_header, scan_segment},
    segment::{Sealed, Segment},
};

/// Makes a part of a sealed segment, and its index: written, read back, durable, and not yet named anywhere.
pub(super) struct Making<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) catalog: &'a Catalog,
    pub(super) segment: &'a Segment,
    pub(super) sealed: Sealed,
    pub(super) compression_level: i32,
    /// Whether to leave off.
    pub(super) cancelled: &'a AtomicBool,
    /// Whether the part is made durable before anything names it; else a bug, for the crash tests to find.
    pub(super) syncs: bool,
}

/// Larger ones suit other tools, and take longer: what is gathered no longer fits into the processor's caches.
const ROW_GROUP_EVENTS: usize = 16_384;

impl Making<'_> {
    /// What the manifest is to say of the part.
    pub(super) fn make(&self) -> Result<PartEntry, Failure> {
        let name = self.segment.start.part_name();
        let aside = format!("{name}.new");
        let made = self.make_aside(&aside);
        if made.is_err() {
            // It would keep the disk full. Where it cannot be removed, the next opener does.
            let _ = self.disk.remove(&aside);
        }
        let (entry, index) = made?;
        self.disk
            .rename(&aside, &name)
            .map_err(Failure::io(|| format!("cannot rename {}", self.disk.describe(&aside))))?;
        // Which syncs both names.
        replace(self.disk, &self.segment.start.part_index_name(), &index)
            .map_err(Failure::io(|| format!("cannot write the index of {}", self.disk.describe(&name))))?;
        Ok(entry)
    }

    /// Writes the part; what the manifest is to say of it, and what the file of its index holds.
    fn make_aside(&self, aside: &str) -> Result<(PartEntry, Vec<u8>), Failure> {
        let described = self.disk.describe(aside);
        let create = self.disk.open(aside, Open::Replace);
        let file = create.map_err(Failure::io(|| format!("cannot create {described}")))?;
        let (events_checksum, file_checksum, index) = self.write(&file)?;
        if self.syncs {
            file.sync_all().map_err(Failure::io(|| format!("cannot sync {described}")))?;
        }
        let file_bytes = file.length().map_err(Failure::io(|| format!("cannot read {described}")))?;
        let Sealed { last_position, recorded_at, checksum: seal_checksum, .. } = self.sealed;
        let start = self.segment.start;
        let entry = PartEntry {
            start,
            last_position,
            recorded_at,
            file_bytes,
            file_checksum,
            events_checksum,
            seal_checksum,
        };
        // Neither needs the other, and each takes a processor.
        let (read_back, index) = thread::scope(|scope| {
            let named = thread::Builder::new().name("wal-read-back".to_owned());
            match named.spawn_scoped(scope, || self.read_back(Arc::clone(&file), &entry)) {
                Ok(reading) => {
                    let index = self.encode_index(&entry, &index);
                    let panicked = |_| Err(Failure::io(|| aside.to_owned())(io::Error::other("it panicked")));
                    (reading.join().unwrap_or_else(panicked), index)
                }
                Err(_) => (self.read_back(Arc::clone(&file), &entry), self.encode_index(&entry, &index)),
            }
        });
        read_back?;
        Ok((entry, index?))
    }

    fn encode_index(&self, entry: &PartEntry, index: &ActiveIndex) -> Result<Vec<u8>, Failure> {
        let PartEntry { start, last_position, .. } = *entry;
        let end = FrameOffset::bytes_of_row(entry.events());
        Sidecar::encode(self.catalog.store.as_bytes(), start, end, last_position, index).map_err(Failure::io(
            || format!("cannot make the index of {}", self.disk.describe(&start.part_name())),
        ))
    }

    /// Writes the events of the segment; their checksum, that of the file, and where they are.
    fn write(&self, file: &Arc<dyn DiskFile>) -> Result<(u32, u32, ActiveIndex), Failure> {
        let options = ParquetOptions {
            row_group_events: ROW_GROUP_EVENTS,
            compression_level: self.compression_level,
            ..ParquetOptions::default()
        };
        let output = Appended::to(Arc::clone(file));
        thread::scope(|scope| {
            let encoder = Encoder::start(scope, output, options).map_err(|error| self.failure(error))?;
            self.write_events(encoder)
        })
    }

    fn write_events(&self, mut encoder: Encoder<Appended>) -> Result<(u32, u32, ActiveIndex), Failure> {
        let failed = |error| self.failure(error);
        let index = ActiveIndex::new(self.catalog.store.as_bytes(), self.segment.start);
        let earlier = self.earlier_events();
        let of_segment = self.segment.index();
        let mut names = Names::new();
        let mut row = 0;
        let mut take = |frame: &Frame| {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(Failure::Closed);
            }
            let mut events = Vec::with_capacity(MAX_BATCH_EVENTS.min(frame.header.events as usize));
            frame
                .each_event::<Malformed>(|event| {
                    events.push(event.to_recorded(names.stream(event.stream)?, &mut names)?);
                    Ok(())
                })
                .map_err(|malformed| self.segment.damage(frame.offset, malformed))?;
            for event in events {
                let previous = || match &earlier {
                    Some(earlier) => earlier.get(event.stream.as_str()).copied().unwrap_or(Previous::Unknown),
                    None => {
                        let part = of_segment.stream(&event.stream, Wait::Allowed).ok().flatten();
                        part.map_or(Previous::Unknown, |part| part.previous)
                    }
                };
                note_row(row, &event, &index, previous)
                    .map_err(|why| self.segment.damage(frame.offset, why))?;
                encoder.write(event).map_err(failed)?;
                row += 1;
            }
            Ok(())
        };
        let segment = self.segment;
        let length = segment.file().length();
        let length = length.map_err(Failure::io(|| format!("cannot read {}", segment.described)))?;
        let (_, checksum) = read_segment_header(segment, self.catalog.store)?;
        let end = scan_segment(segment, length, checksum, &mut take)?;
        if let Some(fault) = end.fault {
            return Err(segment.damage(end.offset, fault).into());
        }
        if end.head != self.sealed.last_position {
            return Err(segment.damage(end.offset, "the segment ends with another event than it did").into());
        }
        let (output, summary) = encoder.finish().map_err(failed)?;
        Ok((summary.events_checksum, output.hasher.finalize(), index))
    }

    /// Where the events of each stream lie that are before its first one here, as the index beside the segment says it; `None`
    /// where that is in memory.
    fn earlier_events(&self) -> Option<HashMap<Box<str>, Previous, RandomState>> {
        if self.segment.index().is_in_memory() {
            return None;
        }
        let mut earlier = HashMap::default();
        let store = self.catalog.store.as_bytes();
        let opened = Sidecar::open(self.disk, store, self.segment.start, IndexOf::Segment);
        let told = opened.map_err(io::Error::from).and_then(|index| {
            index.streams(&mut |stream, part| {
                earlier.insert(stream.into(), part.previous);
            })
        });
        if let Err(error) = told {
            // They can be looked for.
            tracing::warn!(%error, "the index of a segment does not say where its streams begin");
            earlier.clear();
        }
        Some(earlier)
    }

    /// That what is in the file is what was in the segment.
    fn read_back(&self, file: Arc<dyn DiskFile>, entry: &PartEntry) -> Result<(), Failure> {
        let failed = |error| self.failure(error);
        let mut reader = ParquetReader::open(PartFile::new(file)).map_err(failed)?;
        let (events, checksum) = (reader.summary().events, reader.summary().events_checksum);
        reader.verify().map_err(failed)?;
        if (events, checksum) == (entry.events(), entry.events_checksum) {
            return Ok(());
        }
        let wrong = io::Error::other("the part does not hold what the segment does");
        Err(Failure::io(|| format!("cannot archive {}", self.segment.described))(wrong))
    }

    /// A part that is not there yet is damaged by nobody but us.
    fn failure(&self, error: ParquetError) -> Failure {
        let error = match error {
            ParquetError::Io(error) => error,
            other => io::Error::other(other),
        };
        Failure::io(|| format!("cannot archive {}", self.segment.described))(error)
    }
}

/// A file of the store, as one that becomes longer.
struct Appended {
    file: Arc<dyn DiskFile>,
    end: u64,
    hasher: crc32fast::Hasher,
}

impl Appended {
    fn to(file: Arc<dyn DiskFile>) -> Self {
        Self { file, end: 0, hasher: crc32fast::Hasher::new() }
    }
}

impl Write for Appended {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_all(&*self.file, bytes, self.end)?;
        self.end += bytes.len() as u64;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
