// On docs.rs, what a feature brings is marked with its name.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod archive;
mod backend;
mod block;
mod block_cache;
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
mod frames;
mod index;
#[cfg(feature = "torture")]
pub mod log;
#[cfg(not(feature = "torture"))]
#[allow(unreachable_pub, dead_code, reason = "the crash tests see all of it")]
mod log;
mod manifest_file;
mod other_store;
mod read;
mod reader;
mod rows;
mod scan;
mod segment;
mod snapshots;
mod stats;
mod verify;

#[cfg(feature = "parquet")]
pub use archive::ArchivePolicy;
pub use backend::WalBackend;
pub use config::WalConfig;
pub use damage::Damage;
pub use eventstore_embedded::Durability;
pub use log::{RecoveryReport, TornTail};
#[cfg(feature = "torture")]
pub use reader::DiskReader;
pub use reader::WalReader;
pub use stats::WalStats;
#[cfg(feature = "torture")]
pub use verify::salvage_disk;
pub use verify::{TornEnd, VerifyProgress, VerifyReport, salvage, verify, verify_with};
