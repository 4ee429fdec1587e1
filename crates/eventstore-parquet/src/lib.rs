#![doc = include_str!("../README.md")]

mod checksum;
mod decode;
mod encode;
mod error;
mod footer;
mod reader;
mod schema;
mod writer;

pub use error::ParquetError;
pub use footer::{RowGroup, Summary};
pub use reader::{Events, ParquetReader};
pub use writer::{ParquetOptions, ParquetWriter};
