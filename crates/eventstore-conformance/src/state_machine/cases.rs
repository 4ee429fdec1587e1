//! The state machine as a case.

use std::fmt::Write as _;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::runtime::Handle;

use super::{explorer::Explorer, operation::Operation, strategy::operations};
use crate::{TestStore, race::finished, settings};

/// Random operations - appends under guards and conditions, to one stream and several, retries, reads both ways and
/// filtered, snapshots, subscriptions, restarts - have the outcome on the backend that they have on the model. What fails
/// is made as short as possible and printed. Every run has the time limit of a case, and making it short has it once.
pub async fn random_operations_agree_with_the_model(store: TestStore) {
    let runtime = Handle::current();
    // proptest is not asynchronous: it gets a thread of its own.
    finished(tokio::task::spawn_blocking(move || explore(&store, &runtime)).await);
}

fn explore(store: &TestStore, runtime: &Handle) {
    let seed = settings::seed();
    let config = Config {
        cases: settings::state_machine_runs(),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        // Then the shortest so far is reported: on a store with a disk one run may take a tenth of a second.
        max_shrink_time: u32::try_from(store.time_limit().as_millis()).unwrap_or(u32::MAX),
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let outcome = runner.run(&operations(), |operations| {
        let run = async { Explorer::new(store.another().await).run(&operations).await };
        runtime.block_on(run).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(difference, operations)) => panic!(
            "the backend and the model differ at {difference}\n\
             These are the fewest operations found that show it:\n{}\
             To try the same again, set EVENTSTORE_CONFORMANCE_SEED={seed}",
            listed(&operations)
        ),
        Err(TestError::Abort(reason)) => panic!("the random operations were given up: {reason}"),
    }
}

fn listed(operations: &[Operation]) -> String {
    let mut list = String::new();
    for (number, operation) in (1..).zip(operations) {
        writeln!(list, "{number:>4}. {operation}").expect("a string can be written to");
    }
    list
}
