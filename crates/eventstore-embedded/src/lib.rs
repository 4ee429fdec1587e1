#![doc = include_str!("../README.md")]

mod blocking;
mod durability;
mod engine;
mod panicked;
mod writer;

pub use blocking::waiting;
pub use durability::Durability;
pub use engine::Engine;
pub use panicked::Panicked;
pub use writer::{Writer, WriterOptions};
