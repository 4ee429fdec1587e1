//! What the environment may say about how long and how hard the suite tries.

use std::{str::FromStr, time::Duration};

/// How long a case may take with each store that it runs on: `EVENTSTORE_CONFORMANCE_TIMEOUT` in seconds, else 60.
pub(crate) fn case_timeout() -> Duration {
    Duration::from_secs(number("EVENTSTORE_CONFORMANCE_TIMEOUT").unwrap_or(60))
}

/// How many random runs the state machine makes: `EVENTSTORE_CONFORMANCE_CASES`, else 256.
pub(crate) fn state_machine_runs() -> u32 {
    number("EVENTSTORE_CONFORMANCE_CASES").unwrap_or(256)
}

/// How many operations a concurrent history has: `EVENTSTORE_CONFORMANCE_OPERATIONS`, else 20,000.
pub(crate) fn history_operations() -> usize {
    number("EVENTSTORE_CONFORMANCE_OPERATIONS").unwrap_or(20_000)
}

/// What random choices follow: `EVENTSTORE_CONFORMANCE_SEED`, else the clock, so that every run tries something new.
pub(crate) fn seed() -> u64 {
    number("EVENTSTORE_CONFORMANCE_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::from(now.subsec_nanos()) ^ now.as_secs()
    })
}

fn number<N: FromStr>(variable: &str) -> Option<N> {
    let text = std::env::var(variable).ok()?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(_) => panic!("{variable} is `{text}`, which is not a number"),
    }
}
