#![doc = include_str!("../README.md")]

mod catalog;
mod damage;
#[cfg(feature = "torture")]
pub mod disk;
#[cfg(not(feature = "torture"))]
mod disk;
mod format;
mod frames;
mod index;
#[cfg(feature = "torture")]
pub mod log;
#[cfg(not(feature = "torture"))]
mod log;
mod scan;
mod segment;

pub use damage::Damage;
pub use log::{Durability, RecoveryReport, TornTail};
