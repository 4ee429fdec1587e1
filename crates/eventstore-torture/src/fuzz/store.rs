//! A store that the engine wrote: several segments, tags, marks, snapshots. Always the same bytes.

use std::sync::{Arc, LazyLock};

use eventstore_api::{EventType, Snapshot, Version};
use eventstore_wal::{
    Durability,
    disk::{Disk, Open, faulty::FaultyDisk},
    log::Log,
};

use super::forge::{Files, new_manifest};
use crate::{
    chance::Chance,
    clock,
    events::Events,
    model::Model,
    run::Run,
    violation::{Trouble, Violation},
    workload::{Step, options},
};

/// How the store came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// After a few events it was closed in good order.
    Small,
    /// It was closed in good order.
    Closed,
    /// Its process was killed after a mark.
    Marked,
    /// Its process was killed while appends were buffered.
    Killed,
    /// Old segments were archived before it was closed.
    Archived,
}

impl Ending {
    pub(super) const ALL: [Self; 5] = [Self::Small, Self::Closed, Self::Marked, Self::Killed, Self::Archived];

    pub(super) fn of(byte: u8) -> Self {
        Self::ALL.into_iter().cycle().nth(usize::from(byte)).unwrap_or(Self::Small)
    }
}

/// The files of the store that ended so.
pub(super) fn valid(ending: Ending) -> &'static Files {
    static STORES: LazyLock<Vec<(Ending, Files)>> = LazyLock::new(|| {
        #[expect(clippy::expect_used, reason = "without a store there is nothing to fuzz")]
        Ending::ALL.into_iter().map(|ending| (ending, build(ending).expect("the disk never fails"))).collect()
    });
    static NONE: Files = Files::new();
    STORES.iter().find(|(it, _)| *it == ending).map_or(&NONE, |(_, files)| files)
}

fn build(ending: Ending) -> Result<Files, Violation> {
    clock::reset();
    let seed = 7;
    let (mut chance, mut events) = (Chance::new(seed), Events::new(seed));
    let mut options = options(None);
    if ending == Ending::Killed {
        options.durability = Durability::OsBuffered;
    }
    let disk = FaultyDisk::new();
    let put = |bytes: &[u8]| disk.open("MANIFEST", Open::Create)?.write_at(bytes, 0);
    put(&new_manifest()).map_err(|error| Violation::new(format!("no manifest: {error}")))?;
    let (log, _) = Log::open(Arc::new(disk.clone()), options.clone()).map_err(Trouble::from)?;
    save_snapshots(&log, &events)?;
    drop(log);

    let (mut run, _) = Run::open(disk.kill(), options, Model::default(), seed)?;
    let most = if ending == Ending::Small { 5 } else { 22 };
    while run.model().len() < most {
        let batch = events.batch(&mut chance, run.model());
        run.commit(&[batch])?;
        if chance.one_in(6) {
            run.step(&Step::Mark)?;
        }
    }
    run.step(&Step::Background)?;
    let disk = match ending {
        Ending::Small | Ending::Closed => run.close()?.0,
        Ending::Archived => {
            run.step(&Step::Archive)?;
            run.step(&Step::Archive)?;
            run.close()?.0
        }
        Ending::Marked => {
            run.step(&Step::Flush)?;
            run.step(&Step::Mark)?;
            run.disk.kill()
        }
        Ending::Killed => run.disk.kill(),
    };
    let mut files = disk.contents();
    files.remove("LOCK");
    Ok(files)
}

fn save_snapshots(log: &Log, events: &Events) -> Result<(), Trouble> {
    let snapshots = log.snapshots()?;
    for (number, stream) in (1..).zip(events.streams().iter().take(3)) {
        let state = EventType::new("State").map_err(|error| Violation::new(error.to_string()))?;
        for version in [number, number + 1] {
            let payload = vec![0x5a; 30];
            let snapshot = Snapshot::new(stream.clone(), Version::new(version), state.clone(), payload);
            snapshots.save(&snapshot)?;
        }
    }
    Ok(())
}
