//! What writes: on one thread, a group of appends at a time, each group one `WriteBatch`.

mod appender;
mod decide;
mod group;
mod memory;
mod request;
mod space;

pub(crate) use appender::Appender;
pub(crate) use request::{Done, Request};
