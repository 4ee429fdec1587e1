//! The binary form of what one append stores.
//!
//! ```text
//! format          u8, 1
//! streams         count
//!   name          text
//!   events        count
//!     id          16 bytes
//!     type        text
//!     schema      u32
//!     encoding    u8
//!     payload     bytes
//!     metadata    count, then name and value of each: text, sorted by name, no name twice
//!     tags        count, then each: text, sorted, none twice
//! ```
//!
//! Integers and counts take one byte up to 250 and 3, 5 or 9 beyond; text and bytes stand behind their length.

mod encode;
mod reader;
mod recorded;
mod view;

pub use encode::{encode_appends, encode_event};
pub use reader::AppendsReader;
pub use view::{EventView, MetadataIter, MetadataView, StreamView, TagsIter, TagsView};
