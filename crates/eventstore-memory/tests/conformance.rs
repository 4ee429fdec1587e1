//! The in-memory store passes every case of the suite, and a long history.

use eventstore_conformance::{
    Volatile, conformance_tests,
    history::{check, record},
    run_case,
};
use eventstore_memory::InMemoryBackend;

conformance_tests!(Volatile(InMemoryBackend::new));

#[test]
fn a_million_concurrent_operations_have_a_legal_order() {
    run_case("a million operations", Volatile(InMemoryBackend::new), |store| async move {
        let history = record(store.backend(), 16, 1_000_000, 7).await;
        let summary = check(&history).unwrap_or_else(|violation| panic!("no order explains it: {violation}"));
        assert!(summary.stored > 200_000, "hardly anything was stored: {summary:?}");
    });
}
