mod attempts;
mod on_the_way;

use std::{sync::Mutex, time::Duration};

use clap::Args;
use eventstore_api::EventStoreBackend;
use eventstore_migrate::{Migration, MigrationError, MigrationProgress, MigrationReport};
use serde::Serialize;

use self::{
    attempts::{Attempts, Patience},
    on_the_way::OnTheWay,
};
use crate::{
    exit::Exit,
    failure::{Failure, heard_or_not},
    interrupted::{Interrupted, soon_when_interrupted},
    notes::note,
    output::Output,
    screen::count,
    store::{self, Store},
    store_url,
};

/// Move a store to another one, of any kind, as it is: with ids, versions, positions, times and snapshots
///
/// What arrives is the same store, so that projections, consumer groups, sagas and whoever has kept a position go on with it. The
/// store to migrate to is empty, or holds what an earlier run has brought there: a migration that was interrupted is run again,
/// and goes on. Whatever has arrived is read back, and every field of every event and snapshot is compared.
///
/// The store to migrate from is only read, and may be in use; what came meanwhile, the next run brings. Where it went on during this
/// one, that is said, and the exit code is 1.
#[derive(Args)]
pub(crate) struct MigrateArguments {
    /// The store to migrate from
    #[arg(long, value_name = "URL")]
    from: String,

    /// The store to migrate to; begun where there is none
    #[arg(long, value_name = "URL")]
    to: String,

    /// Go on with what comes, until interrupted (Ctrl-C, SIGTERM): then copy what is left, compare, and end
    ///
    /// Stop whatever appends to the store before. A server that is away for a while is waited for. A second signal ends it at once,
    /// wherever it is, and the next run goes on.
    #[arg(long, short)]
    follow: bool,

    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(arguments: MigrateArguments) -> Result<Exit, Failure> {
    // Whoever follows hears by himself that the end is called.
    if arguments.follow {
        return bring(arguments).await;
    }
    let exit = soon_when_interrupted(bring(arguments)).await?;
    if exit.is_by_a_signal() {
        let hint = "run the same line again: it goes on behind what has arrived, and copies nothing twice";
        return Err(Failure::Interrupted { what: "the migration", exit, hint });
    }
    Ok(exit)
}

async fn bring(arguments: MigrateArguments) -> Result<Exit, Failure> {
    let MigrateArguments { from, to, follow, json } = arguments;
    let (from, to) = (store_url::parse(Some(&from))?, store_url::parse(Some(&to))?);
    if to.is_forgotten() {
        return Err(Failure::Usage(format!(
            "{to} is forgotten at the end, and with it what was migrated there: name a store that stays"
        )));
    }
    if store::are_the_same(&*from, &*to).await? {
        return Err(Failure::Usage(format!(
            "{from} is the store to migrate from, and cannot be the one to migrate to"
        )));
    }
    let source = store::open_for_reading_all(&*from).await?;
    let target = match follow {
        // For as long as it follows.
        true => store::open_for_writing(&*to).await?,
        false => store::open_for_filling(&*to).await?,
    };
    let migrated = migrate(&source, target.store(), follow).await;
    let closed = target.store().close().await;
    let report = migrated.inspect_err(|_| store::note_if_not_closed(&closed))?;
    if closed.is_err() {
        note(
            "everything was copied and compared; what is left to do in the new store, the same line does when it is run again",
        );
    }
    closed.map_err(MigrationError::Target)?;
    store::was_all(&*from).await?;
    heard_or_not(tell(&report, json))?;
    Ok(if report.verified.is_complete() { Exit::Done } else { Exit::Failed })
}

async fn migrate(source: &Store, target: &Store, follow: bool) -> Result<MigrationReport, Failure> {
    let on_the_way = Mutex::new(OnTheWay::new());
    let migration = Migration::new(source, target).on_progress(|progress: &MigrationProgress| {
        if let Ok(mut on_the_way) = on_the_way.lock() {
            on_the_way.at(progress.phase, progress.position, progress.head);
        }
    });
    let mut interrupted = if follow { Some(Interrupted::listen()?) } else { None };
    let mut attempts = Attempts::new();
    loop {
        let done = match &mut interrupted {
            Some(interrupted) => {
                let is_called = async {
                    interrupted.wait().await;
                };
                migration.follow(is_called).await
            }
            None => migration.run().await,
        };
        let error = match done {
            Ok(report) => {
                // What a store without syncs has taken is made to stay.
                target.flush().await.map_err(MigrationError::Target)?;
                return Ok(report);
            }
            Err(error) => error,
        };
        let patience = match &interrupted {
            Some(interrupted) if !interrupted.is_so() => Patience::Endless,
            _ => Patience::Limited,
        };
        if !error.is_retryable() || !attempts.begin_another(target.head().await.ok(), patience) {
            return Err(failure(error));
        }
        if let Ok(mut on_the_way) = on_the_way.lock() {
            on_the_way.failed(&error);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

const PAUSE: Duration = Duration::from_millis(500);

fn failure(error: MigrationError) -> Failure {
    match error {
        error @ (MigrationError::NotACopy(_) | MigrationError::Incomplete { .. }) => {
            Failure::Conflict(error.to_string())
        }
        error => Failure::Migration(error),
    }
}

/// What is printed for programs.
#[derive(Serialize)]
struct Report {
    copied_events: u64,
    copied_snapshots: u64,
    events: u64,
    snapshots: u64,
    head: u64,
    source_head: u64,
    complete: bool,
    sha256: String,
}

fn tell(report: &MigrationReport, json: bool) -> Result<(), Failure> {
    let MigrationReport { caught_up, verified, .. } = report;
    let mut output = Output::stdout();
    if json {
        output.json(&Report {
            copied_events: caught_up.events,
            copied_snapshots: caught_up.snapshots,
            events: verified.events,
            snapshots: verified.snapshots,
            head: verified.head.get(),
            source_head: verified.source_head.get(),
            complete: verified.is_complete(),
            sha256: verified.digest.to_string(),
        })?;
        return output.finish();
    }
    output.line(format!(
        "copied {} and {}, to position {}",
        count(caught_up.events, "event"),
        count(caught_up.snapshots, "snapshot"),
        caught_up.head
    ))?;
    output.line(format!(
        "verified: both stores hold {} and {}, sha256 {}",
        count(verified.events, "event"),
        count(verified.snapshots, "snapshot"),
        verified.digest
    ))?;
    if !verified.is_complete() {
        output.line(format!(
            "the store to migrate from is in use: it is at position {} by now, with {} that the other does not have; run this \
             again for what came meanwhile",
            verified.source_head,
            count(verified.snapshots_behind, "snapshot")
        ))?;
    }
    output.finish()
}

#[cfg(test)]
#[cfg(feature = "memory")]
mod tests {
    use std::sync::Arc;

    use eventstore_api::StoreError;
    use eventstore_memory::InMemoryBackend;

    use super::*;
    use crate::{
        notes::heard,
        store::erring::{Asked, Erring, store_of},
    };

    #[tokio::test(start_paused = true)]
    async fn what_was_copied_before_a_store_went_away_is_counted_too() {
        // Too much for one page.
        let source: Store = Arc::new(store_of(4, 5 << 20).await);
        let target: Store = Erring::new(InMemoryBackend::new(), |asked| match asked {
            Asked::Restore(1) => Some(StoreError::unavailable("the server restarts")),
            _ => None,
        });
        let report = migrate(&source, &target, false).await.unwrap();
        assert_eq!((report.caught_up.events, report.caught_up.head.get()), (4, 4));
        assert_eq!(report.verified.events, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn why_it_is_tried_again_is_told_when_it_changes() {
        heard::take();
        let source: Store = Arc::new(store_of(1, 1).await);
        let target: Store = Erring::new(InMemoryBackend::new(), |asked| match asked {
            Asked::Restore(0 | 1) => Some(StoreError::unavailable("the server is away")),
            Asked::Restore(2) => Some(StoreError::unavailable("the server starts")),
            _ => None,
        });
        migrate(&source, &target, false).await.unwrap();
        let notes = heard::take();
        let [away, starts] = &notes[..] else { panic!("{notes:?}") };
        assert!(away.contains("is away") && starts.contains("starts"), "{notes:?}");
    }
}
