#![doc = include_str!("../README.md")]

#[cfg(feature = "torture")]
pub mod disk;
#[cfg(not(feature = "torture"))]
mod disk;
