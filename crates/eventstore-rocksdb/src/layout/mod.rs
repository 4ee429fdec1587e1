//! What stands in the database, byte for byte.
//!
//! | column family | key | value |
//! |---|---|---|
//! | `events` | position | [`record`]: version, time, event |
//! | `streams` | stream, `00`, version | [`entry`]: position, length of the record |
//! | `ids` | event id (16 bytes), stream | position |
//! | `postings` | `t`, tag, `00`, position | nothing |
//! | `postings` | `y`, event type, `00`, block of 1,024 positions | nothing |
//! | `snapshots` | stream | a snapshot, as `eventstore-codec` writes it |
//! | `meta` | `format` | the version of this layout |
//! | `meta` | `state` | [`state`]: counts, head |
//!
//! And beside the database a file, [`synced`].
//!
//! Numbers in keys are 8 bytes, big-endian, so that keys sort as what they stand for. Names hold no control character, so
//! that `00` ends one and the names sort as text does: a name that begins another one comes first.

pub(crate) mod entry;
pub(crate) mod keys;
pub(crate) mod record;
pub(crate) mod state;
pub(crate) mod synced;

/// The version of this layout. A store of a later one is not opened.
pub(crate) const FORMAT: u32 = 1;

/// Its column families, beside `default`, which RocksDB insists on and which stays empty.
pub(crate) mod family {
    pub(crate) const EVENTS: &str = "events";
    pub(crate) const STREAMS: &str = "streams";
    pub(crate) const IDS: &str = "ids";
    pub(crate) const POSTINGS: &str = "postings";
    pub(crate) const SNAPSHOTS: &str = "snapshots";
    pub(crate) const META: &str = "meta";

    pub(crate) const ALL: [&str; 6] = [EVENTS, STREAMS, IDS, POSTINGS, SNAPSHOTS, META];
}
