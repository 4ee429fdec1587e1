//! The process that is killed: it appends, and says what it was told.

use std::{
    io::{self, Write as _},
    sync::Arc,
};

use eventstore_api::{Appended, EventStoreBackend, message_with_causes};
use tokio::task::JoinSet;

use crate::{
    arguments::Write,
    plan::{Plan, Planned},
    stores::Opened,
};

/// It goes for the store.
pub(crate) const OPENING: &str = "opening";
/// It has the store, and begins to append.
pub(crate) const OPEN: &str = "open";
/// It is about to append what takes long to write.
pub(crate) const LARGE: &str = "large";
/// An append was acknowledged: which, and where its events are.
pub(crate) const ACKNOWLEDGED: &str = "acknowledged";

/// Appends for ever; fails when an append does, or when nobody listens any more.
pub(crate) fn run(life: &Write) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        say(OPENING)?;
        let Opened { store, meanwhile } = life.store.store()?.open(life)?;
        say(OPEN)?;
        let mut tasks = JoinSet::new();
        for task in 0..life.tasks {
            tasks.spawn(append_for_ever(Arc::clone(&store), Plan::new(life.seed, life.life, task)));
        }
        if let Some(meanwhile) = meanwhile {
            tasks.spawn(meanwhile);
        }
        match tasks.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(error)) => Err(error.to_string()),
            None => Ok(()),
        }
    })
}

async fn append_for_ever(store: Arc<dyn EventStoreBackend>, mut plan: Plan) -> Result<(), String> {
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
