#![doc = include_str!("../README.md")]

mod backend;
mod catalog;
mod config;
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
mod read;
mod scan;
mod segment;

pub use backend::WalBackend;
pub use config::WalConfig;
pub use damage::Damage;
pub use log::{Durability, RecoveryReport, TornTail};
