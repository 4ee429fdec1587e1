//! A clock that runs the same in every run, and not always forward.

use std::cell::Cell;

use eventstore_api::Timestamp;

thread_local! {
    static TICKS: Cell<i64> = const { Cell::new(0) };
}

/// The time of this thread. It goes back now and then, as the clocks of machines do.
#[must_use]
pub fn now() -> Timestamp {
    let ticks = TICKS.get() + 1;
    TICKS.set(ticks);
    let back = if ticks % 5 == 0 { 3_500 } else { 0 };
    Timestamp::from_micros(1_700_000_000_000_000 + ticks * 1_000 - back)
}

/// Sets the clock of this thread back to where every run begins.
pub fn reset() {
    TICKS.set(0);
}
