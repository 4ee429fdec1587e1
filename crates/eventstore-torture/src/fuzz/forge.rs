//! Making files look written by the store: what no fuzzer finds out by itself are the checksums. `docs/wal-format.md` has
//! the layouts; this is written from there, and shares nothing with the engine.

use std::collections::BTreeMap;

/// The files of a directory.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// The store that all files are made to belong to.
pub(super) const STORE: [u8; 16] = *b"a store to fuzz!";

const FILE_HEADER: usize = 64;
const FRAME_HEADER: usize = 48;
const RECORD_HEADER: usize = 40;
const INDEX_HEADER: usize = 188;
const SECTIONS: usize = 9;
/// Where the parts begin in a manifest, and how long what it says of each is.
const PARTS_AT: usize = 60;
const PART: usize = 48;

/// How far what is forged is made to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Checksums, and what names the store and the segment.
    Checksums,
    /// Also the positions of frames, and what an index says about how far it goes.
    Line,
}

/// The manifest of a store in which nothing was ever written.
pub(super) fn new_manifest() -> Vec<u8> {
    let mut manifest = vec![0; FILE_HEADER];
    put(&mut manifest, 10, &[1]);
    forge_manifest(&mut manifest, &[]);
    manifest
}

/// Puts right what keeps these files from being looked into.
pub(super) fn forge(files: &mut Files, fit: Fit) {
    let mut ends = BTreeMap::new();
    let parts = if fit == Fit::Line { parts(files) } else { Vec::new() };
    let mut before = before_the_segments(files);
    for (name, bytes) in files.iter_mut() {
        match name.as_str() {
            "MANIFEST" => forge_manifest(bytes, &parts),
            "SYNCED" => forge_synced(bytes),
            "snapshots.log" => forge_snapshots(bytes),
            _ => {}
        }
        // Names sort like positions.
        if let Some(start) = start_of(name, ".wal") {
            before = forge_segment(bytes, start, before, fit);
            ends.insert(start, (before.end, before.head));
        }
    }
    for (name, bytes) in files {
        if let Some(start) = start_of(name, ".idx") {
            let end = ends.get(&start).filter(|_| fit == Fit::Line);
            forge_index(bytes, start, end.copied());
        }
    }
}

/// The position that a name begins with.
pub(super) fn start_of(name: &str, ending: &str) -> Option<u64> {
    name.strip_suffix(ending).filter(|digits| digits.len() == 20)?.parse().ok()
}

/// The name of a file that belongs to a position.
pub(super) fn name_of(start: u64, ending: &str) -> String {
    format!("{start:020}{ending}")
}

/// What the segment before says about the next.
#[derive(Clone, Copy, Debug, Default)]
struct Before {
    start: u64,
    checksum: u32,
    head: u64,
    /// Where its last frame begins if that is a seal, else where it ends.
    end: u64,
}

/// How many parts a manifest names, as far as it is long enough.
fn parts_in(manifest: &[u8]) -> usize {
    let named = usize::try_from(number(manifest, 12, 4)).unwrap_or(usize::MAX);
    named.min(manifest.len().saturating_sub(FILE_HEADER) / PART)
}

/// The segments behind the parts are linked to the last one.
fn before_the_segments(files: &Files) -> Before {
    let Some(manifest) = files.get("MANIFEST") else { return Before::default() };
    let Some(last) = parts_in(manifest).checked_sub(1) else { return Before::default() };
    let at = PARTS_AT + last * PART;
    let checksum = u32::try_from(number(manifest, at + 36, 4)).unwrap_or_default();
    Before { start: number(manifest, at, 8), checksum, ..Before::default() }
}

/// How long the file of a part is, and its checksum, by the position that it begins with.
fn parts(files: &Files) -> Vec<(u64, u64, u32)> {
    let parts = files.iter().filter_map(|(name, bytes)| Some((start_of(name, ".parquet")?, bytes)));
    parts.map(|(start, bytes)| (start, bytes.len() as u64, crc(&[bytes]))).collect()
}

fn forge_manifest(bytes: &mut Vec<u8>, parts: &[(u64, u64, u32)]) {
    let named = parts_in(bytes);
    bytes.resize(FILE_HEADER + named * PART, 0);
    put(bytes, 0, b"EVWALMAN");
    put(bytes, 8, &[1, 0]);
    put(bytes, 12, &u32::try_from(named).unwrap_or_default().to_le_bytes());
    put(bytes, 16, &STORE);
    for at in (0..named).map(|number| PARTS_AT + number * PART) {
        let start = number(bytes, at, 8);
        let Some((_, length, checksum)) = parts.iter().find(|(it, ..)| *it == start) else { continue };
        put(bytes, at + 24, &length.to_le_bytes());
        put(bytes, at + 40, &checksum.to_le_bytes());
    }
    let checked = bytes.len() - 4;
    seal(bytes, 0, checked, &[]);
}

fn forge_synced(bytes: &mut [u8]) {
    seal(bytes, 0, 24, &STORE);
}

fn forge_segment(bytes: &mut [u8], start: u64, before: Before, fit: Fit) -> Before {
    put(bytes, 0, b"EVWALSEG");
    put(bytes, 8, &[1, 0, 0, 0, 0, 0, 0, 0]);
    put(bytes, 16, &STORE);
    put(bytes, 32, &start.to_le_bytes());
    put(bytes, 40, &before.start.to_le_bytes());
    put(bytes, 48, &before.checksum.to_le_bytes());
    let mut checksum = seal(bytes, 0, FILE_HEADER - 4, &[]);
    let (mut at, mut head) = (FILE_HEADER, start.wrapping_sub(1));
    let mut end = at;
    while let Some(frame) =
        bytes.get(at..).filter(|rest| rest.len() >= FRAME_HEADER && rest.starts_with(b"EF"))
    {
        let body = usize::try_from(number(frame, 4, 4)).unwrap_or(usize::MAX);
        let body_end = FRAME_HEADER.saturating_add(body);
        let body_checksum = frame.get(FRAME_HEADER..body_end).map(|body| crc(&[body]));
        let (kind, events) = (number(frame, 2, 1), number(frame, 24, 4));
        put(bytes, at + 36, &checksum.to_le_bytes());
        if fit == Fit::Line {
            put(bytes, at + 8, &head.wrapping_add(1).to_le_bytes());
        }
        if let Some(checksum) = body_checksum {
            put(bytes, at + 40, &checksum.to_le_bytes());
        }
        let first = bytes.get(at..).map_or(0, |frame| number(frame, 8, 8));
        head = first.wrapping_add(events).wrapping_sub(1);
        let place = [STORE.as_slice(), &start.to_le_bytes(), &(at as u64).to_le_bytes()].concat();
        checksum = seal(bytes, at, FRAME_HEADER - 4, &place);
        end = at;
        at = at.saturating_add(body_end.next_multiple_of(8));
        if kind != 3 {
            end = at;
        }
    }
    Before { start, checksum, head, end: end as u64 }
}

fn forge_index(bytes: &mut [u8], start: u64, end: Option<(u64, u64)>) {
    put(bytes, 0, b"es-index");
    put(bytes, 8, &[1, 0, 0, 0]);
    put(bytes, 12, &STORE);
    put(bytes, 28, &start.to_le_bytes());
    if let Some((covers, head)) = end {
        put(bytes, 36, &covers.to_le_bytes());
        put(bytes, 44, &head.to_le_bytes());
    }
    let mut begin = INDEX_HEADER;
    for section in 0..SECTIONS {
        let entry = 76 + section * 12;
        let left = bytes.len().saturating_sub(begin);
        let told = bytes.get(entry..).map_or(0, |entry| number(entry, 0, 8));
        let length = usize::try_from(told).unwrap_or(usize::MAX).min(left);
        // What is left over goes to the positions.
        let length = if section == SECTIONS - 1 { left } else { length };
        let number = u8::try_from(section).unwrap_or(0);
        let place = [STORE.as_slice(), &start.to_le_bytes(), &[number]].concat();
        let checksum = crc(&[&place, bytes.get(begin..begin + length).unwrap_or_default()]);
        put(bytes, entry, &(length as u64).to_le_bytes());
        put(bytes, entry + 8, &checksum.to_le_bytes());
        begin += length;
    }
    seal(bytes, 0, INDEX_HEADER - 4, &[]);
}

fn forge_snapshots(bytes: &mut [u8]) {
    put(bytes, 0, b"EVWALSNP");
    put(bytes, 8, &[1, 0, 0, 0, 0, 0, 0, 0]);
    put(bytes, 16, &STORE);
    seal(bytes, 0, FILE_HEADER - 4, &[]);
    let generation: Vec<u8> = bytes.iter().skip(32).take(8).copied().collect();
    let mut at = FILE_HEADER;
    while let Some(record) = bytes.get(at..).filter(|rest| rest.len() >= RECORD_HEADER) {
        let mut next = at + 8;
        if record.starts_with(b"ES") {
            let length = usize::try_from(number(record, 8, 8)).unwrap_or(usize::MAX);
            let end = RECORD_HEADER.saturating_add(length);
            if let Some(body) = record.get(RECORD_HEADER..end) {
                let checksum = crc(&[body]);
                put(bytes, at + 4, &checksum.to_le_bytes());
                next = at + end.next_multiple_of(8);
            }
            put(bytes, at + 16, &generation);
            let place = [STORE.as_slice(), &(at as u64).to_le_bytes()].concat();
            seal(bytes, at, RECORD_HEADER - 4, &place);
        }
        at = next;
    }
}

/// Forges the frame at the front of these bytes.
pub(super) fn forge_frame(bytes: &mut [u8], segment: u64, offset: u64) {
    put(bytes, 0, b"EF");
    let length = usize::try_from(number(bytes, 4, 4)).unwrap_or(usize::MAX);
    if let Some(body) = bytes.get(FRAME_HEADER..FRAME_HEADER.saturating_add(length)) {
        let checksum = crc(&[body]);
        put(bytes, 40, &checksum.to_le_bytes());
    }
    let place = [STORE.as_slice(), &segment.to_le_bytes(), &offset.to_le_bytes()].concat();
    seal(bytes, 0, FRAME_HEADER - 4, &place);
}

/// Puts a checksum behind so many bytes: theirs, continued from that of the place.
fn seal(bytes: &mut [u8], at: usize, length: usize, place: &[u8]) -> u32 {
    let Some(checked) = bytes.get(at..at + length) else { return 0 };
    let checksum = crc(&[place, checked]);
    put(bytes, at + length, &checksum.to_le_bytes());
    checksum
}

/// As far as there is room.
fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(field) {
        *to = *from;
    }
}

fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    let field = bytes.iter().skip(at).take(width).rev();
    field.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// CRC-32 (IEEE 802.3), a byte at a time.
fn crc(parts: &[&[u8]]) -> u32 {
    let bytes = parts.iter().copied().flatten();
    !bytes.fold(!0, |crc: u32, byte| {
        let [low, ..] = crc.to_le_bytes();
        (crc >> 8) ^ TABLE.get(usize::from(low ^ byte)).copied().unwrap_or_default()
    })
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "it is as long as there are bytes")]
        {
            table[byte as usize] = crc;
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::store::{Ending, valid};

    #[test]
    fn what_the_store_wrote_is_forged_into_itself() {
        for ending in Ending::ALL {
            let written = valid(ending);
            let mut forged = written.clone();
            forge(&mut forged, Fit::Line);
            for (name, bytes) in written {
                assert!(forged.get(name) == Some(bytes), "{ending:?}: {name} is not what it was");
            }
        }
    }

    #[test]
    fn the_checksum_is_the_one_that_everyone_means() {
        assert_eq!(crc(&[b"1234", b"56789"]), 0xcbf4_3926);
    }
}
