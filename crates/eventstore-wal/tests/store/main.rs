//! The store in a directory: what it promises beyond the laws of every store.

#[path = "../support/mod.rs"]
mod support;

mod damaged;
mod disk_use;
mod durability;
mod golden;
mod misuse;
mod other_store;
mod read_cache;
mod read_memory;
mod read_only;
mod unproven;
mod verify;
