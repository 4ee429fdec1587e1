#![doc = include_str!("../README.md")]

mod catch_up;
mod copy_state;
mod delegation;
mod difference;
mod digest;
mod error;
mod kept;
mod migration;
mod pages;
mod progress;
mod report;
mod saved_meanwhile;
mod snapshots;
mod switch;
mod switching_backend;
mod to_itself;
mod verify;
mod walk;

pub use difference::Difference;
pub use digest::{Digest, InvalidDigest};
pub use error::MigrationError;
pub use migration::Migration;
pub use progress::{MigrationPhase, MigrationProgress};
pub use report::{CaughtUp, MigrationReport, Verified};
pub use switch::Switched;
pub use switching_backend::SwitchingBackend;
