#![doc = include_str!("../README.md")]

mod append;
mod error;
mod format;
mod input;
mod names;
mod output;
mod payload;
mod shared;
mod snapshot;
mod whole;

pub use append::{
    AppendsReader, EventView, MetadataIter, MetadataView, StreamView, TagsIter, TagsView, encode_appends,
    encode_event,
};
pub use error::{DecodeError, EncodeError};
pub use names::Names;
pub use payload::{decode_payload, encode_payload};
pub use snapshot::{decode_snapshot, encode_snapshot};
