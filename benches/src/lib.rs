//! What the benches have in common: the workloads, all seeded, the same for every backend.

mod account_event;
mod workload;

pub use account_event::AccountEvent;
pub use workload::{PAYLOAD_BYTES, STREAMS, append_raw, raw_event, runtime, streams};
