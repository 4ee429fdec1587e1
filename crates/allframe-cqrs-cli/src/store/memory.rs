use std::sync::Arc;

use eventstore_memory::InMemoryBackend;

use super::{Kind, Opened, Verdict};

pub(super) const KIND: Kind = Kind {
    scheme: "memory",
    form: "memory:",
    has_place: false,
    open_for_reading: open,
    open_for_writing: open,
    verify: |_, _| Ok(Verdict::default()),
    salvage: |_, _| Ok(Verdict::default()),
    bytes: |_| None,
};

fn open(_: &str) -> Opened {
    Ok(Arc::new(InMemoryBackend::new()))
}
