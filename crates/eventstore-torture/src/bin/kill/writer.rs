//! The process that is killed: it appends, and says what it was told.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use eventstore_api::{Appended, EventStoreBackend, message_with_causes};
use eventstore_wal::{ArchivePolicy, Durability, WalBackend, WalConfig};
use tokio::task::JoinSet;

use crate::{
    arguments::Write,
    plan::{Plan, Planned},
};

/// It goes for the store.
pub(crate) const OPENING: &str = "opening";
/// It has the store, and begins to append.
pub(crate) const OPEN: &str = "open";
/// It is about to append what takes long to write.
pub(crate) const LARGE: &str = "large";
/// An append was acknowledged: which, and where its events are.
pub(crate) const ACKNOWLEDGED: &str = "acknowledged";

/// The store of a life, with segments as small as makes them come and go. A process that is killed takes nothing with it
/// that the system has, so every mode must keep what it acknowledged. Every other life archives all it can, so that some are
/// killed in the middle of it, and what they leave is found by one that archives or by one that does not.
pub(crate) fn open(life: &Write) -> Result<WalBackend, String> {
    let config = WalConfig {
        segment_bytes: life.segment_bytes,
        preallocate_bytes: life.segment_bytes.min(1 << 20),
        durability: match (life.seed ^ u64::from(life.life)) / 2 % 4 {
            0 => Durability::OsBuffered,
            1 => Durability::Interval(Duration::from_millis(2)),
            _ => Durability::Always,
        },
        ..WalConfig::default()
    };
    let opened = if (life.seed ^ u64::from(life.life)).is_multiple_of(2) {
        let all = ArchivePolicy { keep_segments: Some(0), ..ArchivePolicy::default() };
        WalBackend::with_archive(&life.directory, config, all)
    } else {
        WalBackend::with_config(&life.directory, config)
    };
    opened.map_err(|error| message_with_causes(&error))
}

/// Appends for ever; fails when an append does, or when nobody listens any more.
pub(crate) fn run(life: &Write) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        say(OPENING)?;
        let store = open(life)?;
        say(OPEN)?;
        let mut tasks = JoinSet::new();
        for task in 0..life.tasks {
            tasks.spawn(append_for_ever(store.clone(), Plan::new(life.seed, life.life, task)));
        }
        match tasks.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(error)) => Err(error.to_string()),
            None => Ok(()),
        }
    })
}

async fn append_for_ever(store: WalBackend, mut plan: Plan) -> Result<(), String> {
    loop {
        let planned = plan.next()?;
        if planned.is_large() {
            say(LARGE)?;
        }
        match store.append_all(planned.batch.clone()).await {
            Ok(outcomes) => say(&acknowledgement(&planned, &outcomes))?,
            Err(error) => return Err(format!("{:?}: {}", planned.name, message_with_causes(&error))),
        }
    }
}

fn acknowledgement(planned: &Planned, outcomes: &[Appended]) -> String {
    let mut line = format!("{ACKNOWLEDGED} {} {}", planned.name.task, planned.name.number);
    for outcome in outcomes {
        let versions = (outcome.first_version.get(), outcome.last_version.get());
        let positions = (outcome.first_position.get(), outcome.last_position.get());
        line.push_str(&format!(" {} {} {} {}", versions.0, versions.1, positions.0, positions.1));
    }
    line
}

fn say(line: &str) -> Result<(), String> {
    let mut output = io::stdout().lock();
    let said = writeln!(output, "{line}").and_then(|()| output.flush());
    said.map_err(|error| error.to_string())
}
