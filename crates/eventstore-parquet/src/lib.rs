#![doc = include_str!("../README.md")]

mod checksum;
mod contents;
mod directory;
mod encode;
mod error;
mod file_writer;
mod footer;
mod held;
mod levels;
mod names;
mod numbers;
mod page;
mod page_rows;
mod read_pages;
mod reader;
mod rows;
mod schema;
mod statistics;
mod texts;
mod varint;
mod wall;
mod write_pages;
mod writer;

pub use contents::ParquetContents;
pub use error::ParquetError;
pub use eventstore_codec::Names;
pub use footer::{RowGroup, Summary};
pub use reader::{Events, ParquetReader};
pub use rows::Rows;
pub use write_pages::PAGE_EVENTS;
pub use writer::{ParquetOptions, ParquetWriter, event_bytes};
