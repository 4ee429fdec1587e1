//! The store of typed events: what is appended, under which names and in which form it is kept, and every way of reading it.
#![cfg(all(feature = "memory", feature = "macros"))]

#[path = "../support/mod.rs"]
mod support;

mod append_and_read;
mod as_of;
mod batch;
mod codecs;
mod replay;
mod serde_attributes;
mod stored_names;
mod subscriptions;
