//! Applications as they are written against AllFrame: only their `use` lines are other ones.

#[cfg(all(feature = "memory", feature = "macros"))]
mod code;
#[cfg(feature = "wal")]
mod durable_code;
