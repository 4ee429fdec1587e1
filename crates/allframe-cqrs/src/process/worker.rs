use std::{sync::Arc, time::Duration};

use eventstore_api::{EventStoreBackend, message_with_causes};
use tokio::{sync::watch, task::JoinSet};
use tracing::Instrument;

use super::{
    ProcessError,
    engine::{Cause, Engine},
    event::{Place, Trigger},
    key::Instance,
    rules::Rules,
};
use crate::{
    Backoff, Event, Recorded,
    consumer_group::{Consumer, ConsumerGroup, Delivery},
};

/// Takes the events of a process manager from its consumer group, in this process.
pub(super) struct Worker<E> {
    pub(super) process: Arc<Engine>,
    pub(super) rules: Arc<Rules<E>>,
    pub(super) group: ConsumerGroup<E, Arc<dyn EventStoreBackend>>,
    pub(super) closing: watch::Receiver<bool>,
}

/// How long to wait before the group is joined anew.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30));

impl<E: Event> Worker<E> {
    /// Works until it is to end. What it has in hand then comes to its end.
    pub(super) async fn run(mut self) {
        let mut failures = 0;
        while !*self.closing.borrow() {
            let ended = match self.group.join() {
                Ok(consumer) => self.consume(consumer, &mut failures).await,
                Err(error) => Err(error.into()),
            };
            let Err(error) = ended else { return };
            failures += 1;
            let process = &*self.process.name;
            tracing::error!(process, error = message_with_causes(&error), failures, "its events do not come");
            tokio::select! {
                () = tokio::time::sleep(BACKOFF.wait_after(failures)) => {}
                _ = self.closing.wait_for(|closing| *closing) => return,
            }
        }
    }

    async fn consume(
        &mut self,
        mut consumer: Consumer<E, Arc<dyn EventStoreBackend>>,
        failures: &mut u32,
    ) -> Result<(), ProcessError> {
        let mut reactions = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                _ = self.closing.wait_for(|closing| *closing) => break,
                Some(_) = reactions.join_next() => {}
                delivery = consumer.next() => {
                    let delivery = delivery?;
                    *failures = 0;
                    let (process, rules) = (Arc::clone(&self.process), Arc::clone(&self.rules));
                    reactions.spawn(async move { take(&process, &rules, delivery).await });
                }
            }
        }
        while reactions.join_next().await.is_some() {}
        // With what was done last in its checkpoint, so that it does not come again.
        Ok(consumer.close().await?)
    }
}

async fn take<E: Event>(process: &Engine, rules: &Rules<E>, delivery: Delivery<E>) {
    match react(process, rules, delivery.event()).await {
        Ok(()) => delivery.ack(),
        Err(error) => {
            let error = message_with_causes(&error);
            let attempt = delivery.attempt();
            tracing::warn!(process = &*process.name, key = delivery.key(), attempt, error, "no reaction");
            delivery.nack(error);
        }
    }
}

/// Has the instance of an event react to it, and carries out what it decides.
async fn react<E: Event>(
    process: &Engine,
    rules: &Rules<E>,
    event: &Recorded<E>,
) -> Result<(), ProcessError> {
    let Some((key, handler)) = rules.find(process, event)? else { return Ok(()) };
    let instance = Instance::new(&process.name, &key)?;
    let runtime = process.runtime().await?;
    let id = event.id().to_string();
    let correlation_id = event.metadata().correlation_id().map_or_else(|| id.clone(), str::to_owned);
    let cause = Cause { correlation_id: correlation_id.into(), causation_id: id.into() };
    let to = Trigger::Happened {
        id: event.id().to_string(),
        name: event.record.event_type.as_str().to_owned(),
        place: Place { position: event.position().get(), part: event.part() },
    };
    let span = tracing::info_span!(
        "process_reaction",
        process = &*process.name,
        key,
        event = to.name(),
        correlation_id = &*cause.correlation_id,
    );
    async {
        match process.react(&runtime, &instance, &cause, &to, (handler, event)).await? {
            Some(found) => process.carry_out(&runtime, &instance, &cause, found).await,
            None => Ok(()),
        }
    }
    .instrument(span)
    .await
}
