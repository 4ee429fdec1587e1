//! How large things may be, the same on every backend.
//!
//! What goes beyond a limit is refused with [`InvalidInput`](crate::InvalidInput) before anything is stored, so
//! that events can always move from one backend to another.

/// Longest stream id, in bytes of UTF-8.
pub const MAX_STREAM_ID_BYTES: usize = 512;
/// Longest event type name, in bytes of UTF-8.
pub const MAX_EVENT_TYPE_BYTES: usize = 256;
/// Longest tag, in bytes of UTF-8.
pub const MAX_TAG_BYTES: usize = 256;
/// Most tags on one event.
pub const MAX_TAGS: usize = 32;
/// Largest payload of one event or snapshot, in bytes (8 MiB).
pub const MAX_PAYLOAD_BYTES: usize = 8 << 20;
/// Most metadata entries on one event.
pub const MAX_METADATA_ENTRIES: usize = 64;
/// Largest metadata of one event: keys and values together, in bytes of UTF-8 (64 KiB).
pub const MAX_METADATA_BYTES: usize = 64 << 10;
/// Most events in one append, over all its streams.
pub const MAX_BATCH_EVENTS: usize = 65_536;
/// Largest append: payloads, metadata, type names and tags of all its events and the ids of its streams together, in
/// bytes (64 MiB).
pub const MAX_BATCH_BYTES: usize = 64 << 20;
/// Most criteria in one filter.
pub const MAX_CRITERIA: usize = 64;
/// Most event types in one criterion.
pub const MAX_TYPES_PER_CRITERION: usize = 1_024;
