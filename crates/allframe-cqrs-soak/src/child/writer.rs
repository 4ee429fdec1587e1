//! Writers: several tasks, each of which appends what its plan says, one after the other.

use allframe_cqrs::{
    Appended, Error, EventStoreBackend, ExpectedVersion, GlobalPosition, StoreError, StreamId, StreamRange,
};
use anyhow::{Context, anyhow, ensure};
use tokio::task::JoinSet;

use super::every;
use crate::{
    arguments::Live,
    plan::{Guard, Name, Planned},
    said::{Said, say},
    store::Store,
};

pub(crate) const TASKS: u16 = 6;

/// One in so many appends is made once more, when its outcome is known.
const REPEATED: u32 = 8;

pub(super) async fn write(store: Store, life: Live) -> anyhow::Result<()> {
    for name in &life.repeat {
        let name: Name = name.parse().map_err(|()| anyhow!("{name} is no append"))?;
        append(&store, &Planned::new(life.seed, name)).await?;
    }
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (store, life) = (store.clone(), life.clone());
        tasks.spawn(async move {
            let mut pace = every(4);
            for number in 0.. {
                pace.tick().await;
                let name = Name { life: life.life, task, number };
                let planned = Planned::new(life.seed, name);
                let first = append(&store, &planned).await?;
                if let (Some(first), 0) = (first, number % REPEATED) {
                    let again = submit(&store, &planned).await?;
                    ensure!(
                        again.as_ref() == Some(&first),
                        "{name} was {first:?}, and again it is {again:?}"
                    );
                }
            }
            Ok(())
        });
    }
    tasks.join_next().await.context("no writer")??
}

async fn append(store: &Store, planned: &Planned) -> anyhow::Result<Option<Vec<Appended>>> {
    let outcome = submit(store, planned).await.with_context(|| format!("appending {}", planned.name))?;
    say(&match &outcome {
        Some(appended) => {
            let places = appended.iter().map(|it| (it.first_version.get(), it.first_position.get()));
            Said::Acknowledged(planned.name, places.collect())
        }
        None => Said::Refused(planned.name),
    })?;
    Ok(outcome)
}

/// `None` where the guard or the condition did not hold, which they need not.
async fn submit(store: &Store, planned: &Planned) -> anyhow::Result<Option<Vec<Appended>>> {
    let mut batch = store.batch();
    for (stream, drafts) in planned.drafts()? {
        let expected = match planned.guard {
            Guard::AsRead | Guard::Alone => length(store, &stream).await?,
            Guard::Free | Guard::Once(_) => ExpectedVersion::Any,
        };
        batch = batch.append(stream, expected, drafts);
    }
    if let Some(filter) = planned.condition()? {
        batch = batch.unless_matching(filter, GlobalPosition::START);
    }
    match batch.commit().await {
        Ok(appended) => Ok(Some(appended)),
        Err(Error::Store(StoreError::WrongExpectedVersion { .. })) if planned.guard == Guard::AsRead => {
            Ok(None)
        }
        Err(Error::Store(StoreError::ConditionFailed { .. })) if matches!(planned.guard, Guard::Once(_)) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

async fn length(store: &Store, stream: &str) -> anyhow::Result<ExpectedVersion> {
    let stream = StreamId::new(stream.to_owned())?;
    let last = store.backend().read_stream(&stream, StreamRange::backward().limit(1)).await?;
    Ok(match last.events.first() {
        Some(event) => ExpectedVersion::Exact(event.version),
        None => ExpectedVersion::NoStream,
    })
}
