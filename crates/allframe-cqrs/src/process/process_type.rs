use serde::{Serialize, de::DeserializeOwned};

use super::ProcessManager;
use crate::Event;

/// What an instance of a process manager knows, as a type whose methods are the handlers. `#[process_manager]` on its impl block
/// implements it.
pub trait Process: Default + Serialize + DeserializeOwned + 'static {
    /// The events that it reacts to.
    type Event: Event;
    /// The name of the process manager.
    const NAME: &'static str;

    /// The process manager, which is still to be told where its commands go.
    #[must_use]
    fn process_manager() -> ProcessManager<Self, Self::Event>;
}
