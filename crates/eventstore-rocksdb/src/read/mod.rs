//! Reading, up to a position: what lies beyond is not shown yet.

mod all;
mod name_walk;
mod positions;
mod search;
mod stream;

pub(crate) use all::read_all;
pub(crate) use name_walk::NameWalk;
pub(crate) use search::{Search, Sought, Walked};
pub(crate) use stream::{last_version, read_stream};
