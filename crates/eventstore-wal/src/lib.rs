#![doc = include_str!("../README.md")]

mod backend;
mod blocking;
mod catalog;
mod config;
mod damage;
#[cfg(feature = "torture")]
pub mod disk;
#[cfg(not(feature = "torture"))]
#[allow(unreachable_pub, dead_code, reason = "the crash tests see all of it")]
mod disk;
mod format;
mod frame_cache;
mod frames;
mod index;
#[cfg(feature = "torture")]
pub mod log;
#[cfg(not(feature = "torture"))]
#[allow(unreachable_pub, dead_code, reason = "the crash tests see all of it")]
mod log;
mod read;
mod reader;
mod scan;
mod segment;
mod snapshots;
mod verify;

pub use backend::WalBackend;
pub use config::WalConfig;
pub use damage::Damage;
pub use log::{Durability, RecoveryReport, TornTail};
pub use reader::WalReader;
pub use verify::{TornEnd, VerifyProgress, VerifyReport, salvage, verify, verify_with};
