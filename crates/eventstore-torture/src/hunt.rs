//! All that is done with one seed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use eventstore_wal::log::SeededBug;

use crate::{
    chance::Chance,
    crash::Crashes,
    damage::{AtRest, Ending},
    faults::{Kind, run_with_fault},
    run::Run,
    tally::Tally,
    violation::Violation,
    workload::Workload,
};

/// Runs the workload of a seed and crashes it everywhere, runs it once more with each kind of fault, and damages a store at
/// rest.
///
/// # Errors
///
/// What the engine did wrong first.
pub fn hunt(seed: u64, bug: Option<SeededBug>, tally: &mut Tally) -> Result<(), Violation> {
    // No disk content makes the engine panic.
    catch_unwind(AssertUnwindSafe(|| hunt_with(seed, bug, tally)))
        .unwrap_or_else(|_| Err(Violation::new("a panic, which was printed above")))
}

fn hunt_with(seed: u64, bug: Option<SeededBug>, tally: &mut Tally) -> Result<(), Violation> {
    let workload = Workload::by_seed(seed, bug);
    let (recording, history) = Run::record(&workload, seed)?;
    tally.workloads += 1;
    Crashes { recording: &recording, history: &history, options: &workload.options, choices: 6, seed }
        .everywhere(tally)?;
    for kind in Kind::ALL {
        run_with_fault(seed, kind, bug, 2, tally)?;
    }
    let mut chance = Chance::new(seed ^ 0xB17);
    for ending in Ending::ALL {
        let store = AtRest::new(seed, (3_000 + chance.below(6_000), 4_096), ending, bug)?;
        store.flip_every(chance.below(2_000), 2_003, tally)?;
        if ending != Ending::MarkedAndCrashed {
            store.remove_each(tally)?;
        }
    }
    Ok(())
}
