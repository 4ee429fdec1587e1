//! What the benches have in common: the workloads, always equal, the same for every backend.

mod account_event;
mod workload;

pub use account_event::AccountEvent;
pub use workload::{PAYLOAD_BYTES, STREAMS, Shape, append_raw, append_typed, raw_event, runtime, streams};
