//! Reading, up to a position: what lies beyond is not shown yet.

mod all;
mod name_walk;
mod positions;
mod search;
mod snapshot;
mod stream;

pub(crate) use all::read_all;
pub(crate) use search::{Search, Sought, Walked};
pub(crate) use snapshot::{snapshot, snapshot_streams};
pub(crate) use stream::{last_version, read_stream};
