//! How much is read of a store at a time.

pub(crate) const PAGE_EVENTS: usize = 4_096;
/// Of payloads.
pub(crate) const PAGE_BYTES: usize = 4 << 20;
