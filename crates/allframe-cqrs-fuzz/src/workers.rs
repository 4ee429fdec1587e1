//! Who goes on with the work of others, whatever those have left in the store: a member of a consumer group, and a process manager.

use std::time::Duration;

use allframe_cqrs::{
    CommandBus, EventFilter, ManualClock, Recorded,
    consumer_group::RetryPolicy,
    process::{Instances, ProcessManager, Processes},
    saga::SagaOrchestrator,
};
use tokio::time::{pause, sleep, timeout};

use crate::{
    store::{Paid, Pay, Store, Total, of_streams, with_filled, with_new, within},
    target::{Finding, Outcome, ensure},
};

const GROUP: &str = "g";
const PROCESS: &str = "p";
const LEASE: Duration = Duration::from_millis(30);
/// By then a member has taken over from those that have died, and nothing more is to come.
const AT_WORK: Duration = Duration::from_millis(150);
/// How many events are handed out at most: a store holds 200, and each comes twice before it is parked.
const MOST: u64 = 1_000;
/// How often the time goes on for a process manager: a timer of it takes one turn or two.
const TURNS: usize = 50;
/// In each of them, so much goes by for its group.
const TURN: Duration = Duration::from_millis(10);
/// From here on it is an answer, and nobody reacts to it.
const ANSWER: u64 = 1 << 32;

/// The input: records, as those of [`records`](crate::records).
pub(crate) fn read(data: &[u8]) -> Result<Outcome, Finding> {
    with_filled(data, async |store: &Store, stored: usize| -> Result<Outcome, Finding> {
        let_time_stand();
        let handed_out = within("the member of a group", member(store, MOST)).await?;
        ensure(handed_out.is_none_or(|count| count < MOST), || {
            format!("a member is handed {MOST} events of {stored}")
        })?;
        let is_open = within("the process manager", process(store, TURNS)).await?;
        let is_gone_on_with = stored > 0 && (handed_out.is_some() || is_open);
        Ok(if is_gone_on_with { Outcome::Read } else { Outcome::Refused })
    })
}

/// From now on, time goes on only when all wait for it. However busy the machine is, what can be done is done by then: the end of a
/// time comes when nothing more does.
fn let_time_stand() {
    pause();
}

// What comes of their work is their own business: that they come to an end is ours.

/// Takes so many events at most, of which one of three fails. How many it was handed, where it could join.
async fn member(store: &Store, most: u64) -> Option<u64> {
    let builder = store
        .consumer_group(GROUP)
        .with_filter(EventFilter::stream_prefix("account-"))
        .with_retry(RetryPolicy::new(2).with_backoff(Duration::ZERO, Duration::ZERO))
        .with_lease(LEASE);
    let group = builder.open().await.ok()?;
    let mut consumer = group.join().ok()?;
    let mut handed_out = 0_u64;
    let work = async {
        while handed_out < most
            && let Ok(delivery) = consumer.next().await
        {
            handed_out += 1;
            if handed_out.is_multiple_of(3) {
                delivery.nack("no");
            } else {
                delivery.ack();
            }
        }
    };
    let _ = timeout(AT_WORK, work).await;
    let _ = (consumer.status().await, group.parked().await, consumer.close().await);
    Some(handed_out)
}

/// Reacts to whatever there is, and to its timers for so many turns. Whether it could begin.
async fn process(store: &Store, turns: usize) -> bool {
    let instances = Instances::of(store);
    let _ = (instances.list(|_| true).await, instances.history(PROCESS, "1").await);
    let bus = CommandBus::builder(store.clone())
        .function(|command: Pay| async move { vec![Paid { amount: command.amount }] })
        .build();
    let Ok(bus) = bus else { return false };
    let clock = ManualClock::new();
    let sagas = SagaOrchestrator::builder(store).with_worker_name("w").with_clock(clock.clone());
    let opened = Processes::builder(sagas).process(store, manager(&bus)).open().await;
    let Ok(processes) = opened else { return false };
    sleep(TURN).await;
    for _ in 0..turns {
        // Where nobody waits for that clock, the time of the group goes on alone.
        let _ = timeout(TURN, clock.wake_next()).await;
        sleep(TURN).await;
    }
    let _ = (processes.state::<Total>(PROCESS, "1").await, processes.parked(PROCESS).await);
    processes.close().await;
    true
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
        .with_group(|group| group.with_lease(LEASE))
}

/// Events to which both come.
async fn paid(store: &Store) {
    let events = (1..=6).map(|amount| Paid { amount }).collect();
    let _ = store.append("account-1", events).await;
}

/// What they leave behind when each has been at work, and has ended before it was done: events that were not handed out, and timers
/// that are not due.
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    with_new(async |store: &Store| {
        let_time_stand();
        paid(store).await;
        member(store, 4).await;
        process(store, 0).await;
        let streams = of_streams(store).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Else whatever is read would say nothing.
    #[test]
    fn what_there_is_to_do_is_done() {
        let (handed_out, instances) = with_new(async |store: &Store| {
            let_time_stand();
            paid(store).await;
            let handed_out = member(store, MOST).await;
            assert!(process(store, TURNS).await);
            (handed_out, Instances::of(store).list(|_| true).await.unwrap_or_default())
        });
        // Two of the six have failed once.
        assert_eq!(handed_out, Some(8));
        assert_eq!(instances.len(), 2, "{instances:?}");
        assert!(instances.iter().all(|instance| instance.has_ended), "by a timer: {instances:?}");
    }

    #[test]
    fn the_seeds_leave_something_to_do() {
        let seeds = seeds();
        let (_, group) = seeds.iter().find(|(name, _)| *name == "group").unwrap();
        with_filled(group, async |store: &Store, _: usize| -> Result<Outcome, Finding> {
            let_time_stand();
            assert!(member(store, MOST).await.is_some_and(|handed_out| handed_out > 0));
            Ok(Outcome::Read)
        })
        .unwrap();
        for (name, input) in &seeds {
            assert_eq!(read(input), Ok(Outcome::Read), "{name}");
        }
    }
}
