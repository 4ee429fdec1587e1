#![doc = include_str!("../README.md")]
// Process groups, users and Unix sockets: on other systems there is nothing here.
#![cfg(unix)]

mod account;
mod address;
mod builder;
mod cluster;
mod data_directory;
mod error;
mod frozen;
mod guardian;
mod home;
mod patience;
mod processes;
mod programs;
mod replica;
mod server;

pub use builder::Builder;
pub use cluster::Cluster;
pub use error::ClusterError;
pub use frozen::Frozen;
pub use programs::Programs;
pub use replica::Replica;
