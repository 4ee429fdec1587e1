#![doc = include_str!("../README.md")]
// Name spaces: on other systems there is nothing here.
#![cfg(target_os = "linux")]

mod disk;
mod left_out;

pub use disk::{SmallDisk, available};
pub use left_out::leave_out;
