//! Who goes on with the work of others, whatever those have left in the store: a member of a consumer group, and a process manager.

use std::{convert::Infallible, time::Duration};

use allframe_cqrs::{
    CommandBus, EventFilter, ManualClock, Recorded,
    consumer_group::RetryPolicy,
    process::{Instances, ProcessManager, Processes},
    saga::SagaOrchestrator,
};
use tokio::{task::yield_now, time::timeout};

use crate::{
    records::{Paid, Pay, Store, Total, fill, of_streams, within},
    target::{Finding, Outcome},
};

const GROUP: &str = "g";
const PROCESS: &str = "p";
/// How long they are at work.
const AT_WORK: Duration = Duration::from_millis(10);
/// From here on it is an answer, and nobody reacts to it.
const ANSWER: u64 = 1 << 32;

/// The input: records, as those of [`records`](crate::records).
pub(crate) fn read(data: &[u8]) -> Result<Outcome, Finding> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return Ok(Outcome::Refused);
    };
    runtime.block_on(async {
        let store = Store::new();
        let stored = fill(&store, data).await;
        within("the member of a group", member(&store)).await?;
        within("the process manager", process(&store)).await?;
        Ok(if stored > 0 { Outcome::Read } else { Outcome::Refused })
    })
}

// What comes of their work is their own business: that they come to an end is ours.

/// One event of three fails.
async fn member(store: &Store) {
    let builder = store
        .consumer_group(GROUP)
        .with_filter(EventFilter::stream_prefix("account-"))
        .with_retry(RetryPolicy::new(2).with_backoff(Duration::ZERO, Duration::ZERO))
        .with_lease(Duration::from_millis(30));
    let Ok(group) = builder.open().await else { return };
    let Ok(mut consumer) = group.join() else { return };
    let work = async {
        let mut number = 0_u64;
        while let Ok(delivery) = consumer.next().await {
            number += 1;
            if number.is_multiple_of(3) {
                delivery.nack("no");
            } else {
                delivery.ack();
            }
        }
    };
    let _ = timeout(AT_WORK, work).await;
    let _ = (consumer.status().await, group.parked().await, consumer.close().await);
}

async fn process(store: &Store) {
    let instances = Instances::of(store);
    let _ = (instances.list(|_| true).await, instances.history(PROCESS, "1").await);
    let bus = CommandBus::builder(store.clone())
        .function(|command: Pay| async move { vec![Paid { amount: command.amount }] })
        .build();
    let Ok(bus) = bus else { return };
    let clock = ManualClock::new();
    let sagas = SagaOrchestrator::builder(store).with_worker_name("w").with_clock(clock.clone());
    let Ok(processes) = Processes::builder(sagas).process(store, manager(&bus)).open().await else { return };
    let _ = timeout(AT_WORK, let_time_go_on(&clock)).await;
    let _ = (processes.state::<Total>(PROCESS, "1").await, processes.parked(PROCESS).await);
    processes.close().await;
}

async fn let_time_go_on(clock: &ManualClock) -> Infallible {
    loop {
        clock.wake_next().await;
        yield_now().await;
    }
}

fn manager(bus: &CommandBus<Paid>) -> ProcessManager<Total, Paid> {
    let key = |event: &Recorded<Paid>| {
        let amount = event.event.amount;
        (amount < ANSWER).then(|| (amount % 2).to_string())
    };
    ProcessManager::new(PROCESS)
        .on(key, |total: &mut Total, event, then| {
            total.add(&event.event);
            then.set_timer("due", Duration::from_secs(60), &total.amount);
            then.dispatch(Pay { amount: ANSWER });
        })
        .on_timer("due", |total: &mut Total, _before: u64, then| {
            if total.amount > 2 {
                then.end();
            }
        })
        .dispatches::<Pay>(bus)
        .with_group(|group| group.with_lease(Duration::from_millis(30)))
}

/// What they leave behind when each has been at work, and was interrupted.
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return Vec::new();
    };
    runtime.block_on(async {
        let store = Store::new();
        let events = (1..=6).map(|amount| Paid { amount }).collect();
        let _ = store.append("account-1", events).await;
        member(&store).await;
        process(&store).await;
        let streams = of_streams(&store).await;
        let of = |prefixes: &[&str]| {
            let named = streams
                .iter()
                .filter(|(stream, _)| prefixes.iter().any(|it| stream.as_str().starts_with(it)));
            named.flat_map(|(_, records)| records.clone()).collect::<Vec<u8>>()
        };
        vec![
            ("everything", of(&[""])),
            ("events", of(&["account-"])),
            ("group", of(&["account-", "$group-g/"])),
            ("process", of(&["account-", "process-p-", "$group-process-p/"])),
            ("timers", of(&["process-p-", "saga-", "$saga-"])),
        ]
    })
}
