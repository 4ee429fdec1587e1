//! What stands in the files, byte by byte: `docs/wal-format.md` in code. Everything is little-endian.

mod fields;
mod frame;
#[cfg(test)]
mod golden;
mod manifest;
mod segment_header;
mod store_id;
mod synced_mark;
mod versions;

pub(crate) use frame::{FRAME_HEADER_BYTES, FrameFault, FrameHeader, FrameKind, FrameSeed, frame_bytes};
pub(crate) use manifest::{CleanClose, MANIFEST_NAME, Manifest, PartEntry};
pub(crate) use segment_header::{SEGMENT_HEADER_BYTES, SegmentHeader};
pub(crate) use store_id::StoreId;
pub(crate) use synced_mark::{SYNCED_MARK_BYTES, SYNCED_NAME, SyncedMark};
pub(crate) use versions::VersionWidth;

/// The version of the format that this crate writes, and the only one there is so far.
pub(crate) const FORMAT_VERSION: u16 = 1;
