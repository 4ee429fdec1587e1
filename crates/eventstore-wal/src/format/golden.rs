//! Every header of format 1, byte by byte, as `docs/wal-format.md` says it is.

use eventstore_api::{Timestamp, Version};

use super::{
    CleanClose, FrameFault, FrameHeader, FrameKind, FrameSeed, Manifest, PartEntry, SegmentHeader, StoreId,
    SyncedMark, VersionWidth,
};
use crate::index::SegmentStart;

const STORE: StoreId = StoreId::from_bytes(*b"0123456789abcdef");
const START: SegmentStart = SegmentStart::new(0x1122);

fn seed() -> FrameSeed {
    FrameSeed::new(STORE, START)
}

fn header() -> FrameHeader {
    FrameHeader {
        kind: FrameKind::Append,
        body_bytes: 0x0102_0304,
        first_position: 0x1122_3344_5566_7788,
        recorded_at: Timestamp::from_micros(-2),
        events: 0xa0a1,
        streams: 0xb0b1,
        versions: VersionWidth::Four,
        synced_through: 0x40,
        previous_checksum: 0xc0c1_c2c3,
        body_checksum: 0xd0d1_d2d3,
    }
}

/// Eight bytes a line.
fn hex(bytes: &[u8]) -> String {
    let line = |line: &[u8]| line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    bytes.chunks(8).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_frame_header() {
    insta::assert_snapshot!(hex(&header().encode(seed(), 0x80).0));
}

#[test]
fn a_segment_header() {
    let header = SegmentHeader {
        store: STORE,
        start: START,
        previous: Some(SegmentStart::new(0x99)),
        previous_checksum: 0xe0e1_e2e3,
    };
    let (bytes, checksum) = header.encode();
    insta::assert_snapshot!(hex(&bytes));
    assert_eq!(SegmentHeader::decode(&bytes), Ok((header, checksum)));
}

#[test]
fn a_manifest() {
    let closed = CleanClose { segment: START, offset: 0x3344, head: 0x5566 };
    let manifest = Manifest::new(STORE, Some(closed), true);
    insta::assert_snapshot!(hex(&manifest.encode()));
    assert_eq!(Manifest::decode(&manifest.encode()), Ok(manifest));
}

#[test]
fn a_manifest_with_a_part() {
    let part = PartEntry {
        start: SegmentStart::new(1),
        last_position: 0x1122,
        recorded_at: eventstore_api::Timestamp::from_micros(0x3344),
        file_bytes: 0x5566,
        file_checksum: 0xa0a1_a2a3,
        events_checksum: 0xb0b1_b2b3,
        seal_checksum: 0xc0c1_c2c3,
    };
    let next = PartEntry { start: SegmentStart::new(0x1123), last_position: 0x1123, ..part };
    let manifest = Manifest { parts: vec![part, next], ..Manifest::new(STORE, None, false) };
    insta::assert_snapshot!(hex(&manifest.encode()));
    assert_eq!(Manifest::decode(&manifest.encode()), Ok(manifest.clone()));
    let hole = Manifest { parts: vec![part, part], ..manifest.clone() };
    assert!(Manifest::decode(&hole.encode()).unwrap_err().contains("position 4387"));
    let bytes = manifest.encode();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Manifest::decode(&flipped).is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(Manifest::decode(&bytes[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_synced_mark() {
    let mark = SyncedMark { segment: START, offset: 0x3344, head: 0x5566 };
    insta::assert_snapshot!(hex(&mark.encode(STORE)));
    assert_eq!(SyncedMark::decode(&mark.encode(STORE), STORE), Some(mark));
}

#[test]
fn a_frame_is_read_as_it_was_written_and_nowhere_else() {
    let (bytes, checksum) = header().encode(seed(), 0x80);
    assert_eq!(FrameHeader::decode(&bytes, seed(), 0x80), Ok((header(), checksum)));
    let elsewhere = FrameHeader::decode(&bytes, seed(), 0x88);
    assert_eq!(elsewhere, Err(FrameFault::HeaderChecksum), "at another offset");
    let segment = FrameSeed::new(STORE, SegmentStart::new(7));
    assert_eq!(
        FrameHeader::decode(&bytes, segment, 0x80),
        Err(FrameFault::HeaderChecksum),
        "in another segment"
    );
    let store = FrameSeed::new(StoreId::from_bytes([7; 16]), START);
    assert_eq!(FrameHeader::decode(&bytes, store, 0x80), Err(FrameFault::HeaderChecksum), "in another store");
}

#[test]
fn every_flipped_bit_of_a_header_is_noticed() {
    let (bytes, _) = header().encode(seed(), 0x80);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(FrameHeader::decode(&flipped, seed(), 0x80).is_err(), "bit {bit}");
    }
}

#[test]
fn a_file_of_a_later_format_is_refused_by_its_version() {
    let manifest = Manifest::new(STORE, None, false);
    let mut bytes = manifest.encode();
    bytes[8] = 2;
    let checksum = crc32fast::hash(&bytes[..60]).to_le_bytes();
    bytes[60..].copy_from_slice(&checksum);
    let refused = Manifest::decode(&bytes).unwrap_err();
    assert!(refused.contains("format 2"), "{refused}");
}

#[test]
fn versions_take_as_few_bytes_as_the_greatest_needs() {
    for (greatest, bytes) in
        [(1, 1), (255, 1), (256, 2), (65_535, 2), (65_536, 4), (1 << 32, 8), (u64::MAX, 8)]
    {
        let greatest = Version::new(greatest);
        let width = VersionWidth::of(greatest);
        assert_eq!(width.bytes(), bytes, "{greatest}");
        let mut body = b"appends".to_vec();
        width.put(Version::new(1), &mut body);
        width.put(greatest, &mut body);
        let (appends, versions) = width.split(&body, 2).unwrap();
        assert_eq!(appends, b"appends");
        assert_eq!(versions.collect::<Vec<_>>(), [Version::new(1), greatest]);
    }
    assert!(VersionWidth::Eight.split(b"short", 1).is_none());
}
