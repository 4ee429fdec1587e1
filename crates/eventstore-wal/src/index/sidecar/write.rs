use std::io;

use eventstore_api::EventType;

use super::{
    FrameOffset, IndexOf, Section, SegmentIndex as _, SegmentStart, Sidecar,
    header::{HEADER_BYTES, Header, SECTIONS, SectionEntry, section_seed},
    high, key, low,
    records::{StreamRecord, TypeRecord},
};
use crate::{
    disk::{Disk, replace},
    index::ActiveIndex,
};

impl Sidecar {
    /// Writes the index of a segment beside it, in the place of one that may be there. It is durable when this returns.
    ///
    /// The index covers the first `covers` bytes of the segment, with the events up to `last_position`; nothing may be
    /// added to it meanwhile.
    ///
    /// # Errors
    ///
    /// What the disk says; [`io::ErrorKind::FileTooLarge`] when the names of streams take more than 4 GiB, or events
    /// carry more than 2^32 tags.
    pub(crate) fn write(
        disk: &dyn Disk,
        store_id: &[u8; 16],
        (segment, of): (SegmentStart, IndexOf),
        covers: u64,
        last_position: u64,
        index: &ActiveIndex,
    ) -> io::Result<()> {
        let file = Self::encode(store_id, segment, covers, last_position, index)?;
        replace(disk, &of.file_name(segment), &file)
    }

    /// What such a file holds. The same events give the same bytes.
    pub(crate) fn encode(
        store_id: &[u8; 16],
        segment: SegmentStart,
        covers: u64,
        last_position: u64,
        index: &ActiveIndex,
    ) -> io::Result<Vec<u8>> {
        let (streams, stream_records, frames) = stream_sections(segment, index)?;
        let (tags, tag_frames) = tag_sections(index)?;
        let (types, type_records) = type_sections(index)?;
        let sections = [
            le_bytes(&streams),
            stream_records,
            frames,
            le_bytes(&index.ids.sorted_keys()),
            le_bytes(&tags),
            tag_frames,
            le_bytes(&types),
            type_records,
            le_bytes(&index.positions.read()),
        ];
        let mut entries = [SectionEntry::default(); SECTIONS];
        for ((entry, section), bytes) in entries.iter_mut().zip(Section::ALL).zip(&sections) {
            let mut hasher = crc32fast::Hasher::new_with_initial(section_seed(store_id, segment, section));
            hasher.update(bytes);
            *entry = SectionEntry { length: bytes.len() as u64, checksum: hasher.finalize() };
        }
        let header = Header {
            store_id: *store_id,
            segment,
            covers,
            last_position,
            events: index.event_count(),
            greatest_id: index.greatest_id(),
            sections: entries,
        };
        let mut file = Vec::with_capacity(HEADER_BYTES + sections.iter().map(Vec::len).sum::<usize>());
        file.extend_from_slice(&header.encode());
        for section in &sections {
            file.extend_from_slice(section);
        }
        Ok(file)
    }
}

/// Sorted by hash, then by name, so that the same events give the same bytes. All streams are locked for reading meanwhile:
/// nobody adds to an index that is written.
fn stream_sections(segment: SegmentStart, index: &ActiveIndex) -> io::Result<(Vec<u64>, Vec<u8>, Vec<u8>)> {
    let streams = index.streams.iter().map(|stream| (index.hashes.name(stream.key().as_str()), stream));
    let mut streams: Vec<_> = streams.collect();
    streams.sort_unstable_by(|(hash, one), (other_hash, other)| {
        hash.cmp(other_hash).then_with(|| one.key().cmp(other.key()))
    });

    let mut keys = Vec::with_capacity(streams.len());
    let mut records = Vec::new();
    let mut frames = Vec::new();
    let mut start = 0;
    for (hash, stream) in &streams {
        keys.push(key(*hash, record_offset(&records)?));
        let stream_frames = stream.frames.as_slice();
        let count = u32::try_from(stream_frames.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let record = StreamRecord {
            name: stream.key().as_str(),
            first_version: stream.first_version.get(),
            count,
            previous: stream.previous,
            start,
        };
        record.encode(segment, &mut records);
        start += u64::from(count);
        frames.extend(stream_frames.iter().copied().map(FrameOffset::units).flat_map(u32::to_le_bytes));
    }
    Ok((keys, records, frames))
}

fn tag_sections(index: &ActiveIndex) -> io::Result<(Vec<u64>, Vec<u8>)> {
    let postings = index.tags.sorted_keys();
    let mut keys = Vec::new();
    let mut frames = Vec::with_capacity(postings.len() * 4);
    for of_hash in postings.chunk_by(|one, next| high(*one) == high(*next)) {
        let first = u32::try_from(frames.len() / 4).map_err(|_| io::ErrorKind::FileTooLarge)?;
        keys.extend(of_hash.first().map(|&posting| key(high(posting), first)));
        frames.extend(of_hash.iter().copied().map(low).flat_map(u32::to_le_bytes));
    }
    Ok((keys, frames))
}

fn type_sections(index: &ActiveIndex) -> io::Result<(Vec<u64>, Vec<u8>)> {
    let types = index.types.read();
    let mut sorted: Vec<(u32, &EventType)> =
        types.keys().map(|name| (index.hashes.name(name.as_str()), name)).collect();
    sorted.sort_unstable();

    let mut keys = Vec::with_capacity(sorted.len());
    let mut records = Vec::new();
    for (hash, name) in sorted {
        let Some(&part) = types.get(name) else { continue };
        keys.push(key(hash, record_offset(&records)?));
        TypeRecord { name: name.as_str(), part }.encode(&mut records);
    }
    Ok((keys, records))
}

fn record_offset(records: &[u8]) -> io::Result<u32> {
    u32::try_from(records.len()).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

fn le_bytes(keys: &[u64]) -> Vec<u8> {
    keys.iter().copied().flat_map(u64::to_le_bytes).collect()
}
