//! The in-memory store passes every case of the suite.

use eventstore_conformance::{Volatile, conformance_tests};
use eventstore_memory::InMemoryBackend;

conformance_tests!(Volatile(InMemoryBackend::new));
