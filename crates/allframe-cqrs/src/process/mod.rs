//! Process managers: what is to happen when something has happened, and when nothing has, across crashes.
mod builder;
mod carry_out;
mod commands;
mod deferred;
mod error;
mod event;
mod handler;
mod key;
mod log;
mod manager;
mod process;
mod processes;
mod react;
mod reaction;
mod refused;
mod rules;
mod worker;

pub use builder::ProcessesBuilder;
pub use error::ProcessError;
pub use event::{Order, Place, Reacted, Trigger};
pub use manager::ProcessManager;
pub use processes::{InstanceState, Processes};
pub use reaction::Reaction;
pub use refused::Refused;
