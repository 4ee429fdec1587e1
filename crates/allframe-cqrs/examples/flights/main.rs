//! Every flight that left New York, as events.
//!
//! Reads a CSV of flights, turns each row into commands on a `Flight` aggregate, stores the events that the flight decides
//! on, and answers from projections built of them:
//!
//! ```text
//! cargo run --release --example flights                       # the first week of January 2013, in the repository
//! cargo run --release --example flights -- FILE.csv --json    # any CSV of the same columns
//! cargo run --release --example flights -- --store postgresql://localhost/app#flights
//! cargo run --release --example flights -- --watch            # in another terminal, while flights come in
//! cargo run --release --example flights -- --rebuild          # the read models anew, from the events
//! cargo run --release --example flights -- --sagas            # and who was stranded is brought onto later flights
//! cargo run --release --example flights --features rocksdb -- --store rocksdb:./data/flights-rocksdb
//! ```
//!
//! The events are kept in `./data/flights`, where no other store is named. It may be killed at any moment: the next run finds
//! the rows that are there already, and goes on with the others. Its boards are registered projections, kept in the same store:
//! they too go on where they were.
//!
//! With `--sagas`, each flight that was cancelled or diverted starts a saga, `reaccommodation`, whose id is the flight's own name:
//!
//! 1. `find_flight`: the next two flights of that airline from that airport to that destination, of those that leave within 24 hours
//!    of the planned departure and are not cancelled themselves. Without one there is nothing to be done.
//! 2. `hold_seats` on the first, as many as are free. Each flight has 50 free seats, and each that strands people 80 passengers: the
//!    data set says nothing of either. Flights that strand people compete for seats; where none is free, the saga ends here.
//! 3. `hold_more_seats` on the second, for those who found none on the first: all of them, or what is held is released again.
//! 4. `notify` the passengers, and 5. `release_gate`, unless the flight was diverted, which has left its gate.
//!
//! Those that compete go one after the other, in the order of their departures, and all others at once, so that the counts are the
//! same in every run, on every store, and however often the program was killed meanwhile:
//!
//! | | first week of January 2013 | all of January 2013 |
//! |---|---|---|
//! | started | 56 | 606 |
//! | completed | 39 | 386 |
//! | compensated | 17 | 220 |
//! | of these, no later flight | 3 | 35 |
//! | of these, the first is full | 3 | 57 |
//! | of these, there is no second | 10 | 94 |
//! | of these, the second has too few free seats | 1 | 34 |
//! | parked | 0 | 0 |
//! | seats held | 3640 | 36230 |
//! | seats released again | 520 | 5350 |
//! | gates released | 29 | 335 |

#[cfg(test)]
mod durable;
#[cfg(test)]
mod postgres_tests;
mod program;
#[cfg(test)]
mod saga_tests;
#[cfg(test)]
#[path = "../../tests/support/schema.rs"]
mod schema;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;
#[cfg(test)]
mod wal_tests;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use program::{arguments::Arguments, run};

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run(Arguments::parse(), &mut io::stdout(), &mut io::stderr()).await else {
        return ExitCode::SUCCESS;
    };
    // A `Result` from `main` would print a backtrace too where `RUST_BACKTRACE` is set. If standard error is closed, the
    // exit code is all that can be told.
    let _ = writeln!(io::stderr(), "error: {error:#}");
    ExitCode::FAILURE
}
