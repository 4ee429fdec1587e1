//! Applications as they are written against AllFrame, with only their `use` lines changed, and the page for those who have one.

#[cfg(all(feature = "memory", feature = "macros"))]
mod code;
#[cfg(feature = "wal")]
mod durable_code;
mod page;
