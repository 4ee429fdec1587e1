//! What the benches have in common: the workloads, always equal, the same for every backend.

mod account_event;
mod median;
mod turnover;
mod workload;

pub use account_event::AccountEvent;
pub use median::median;
pub use turnover::Turnover;
pub use workload::{
    Chance, PAYLOAD_BYTES, STREAMS, Shape, append_raw, append_typed, json_event, raw_event, runtime, streams,
};
