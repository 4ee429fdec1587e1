//! Several processes on one store, of which some die, and some only sleep.

use std::{sync::Arc, time::Duration};

use allframe_cqrs::{
    Appended, Clock, EventStore, EventStoreBackend, InMemoryBackend, ManualClock, Timestamp,
    api::{AppendBatch, Result as StoreResult},
    async_trait,
    saga::{
        OnFailure, SagaDefinition, SagaEvent, SagaId, SagaOrchestratorBuilder, SagaStep, StepContext,
        StepError,
    },
};
use eventstore_conformance::intercept::{Intercepted, Interceptor};
use tokio::sync::watch;

use crate::trips::{Done, Nothing, Trip, ann, builder, pass, soon, trip, until, with_time};

const LEASE: Duration = Duration::from_secs(15);

type Shared = EventStore<Nothing, Arc<InMemoryBackend>>;

fn store() -> Shared {
    EventStore::with_backend(Arc::new(InMemoryBackend::new()))
}

fn id() -> SagaId {
    SagaId::new("trip", "1").unwrap()
}

/// A step that hangs for a day.
fn hanging(done: &Done) -> SagaStep<Trip, u64> {
    let done = done.clone();
    SagaStep::new("flight", move |_: StepContext<Trip>| {
        done.note("flight");
        std::future::pending()
    })
    .with_timeout(Duration::from_secs(86_400))
}

/// The same step in another process, where nothing hangs. It answers its fencing token.
fn quick(done: &Done) -> SagaStep<Trip, u64> {
    let done = done.clone();
    SagaStep::new("flight", move |context: StepContext<Trip>| {
        done.note("flight");
        async move { Ok(context.fencing_token()) }
    })
    .with_timeout(Duration::from_secs(86_400))
}

fn since(clock: &ManualClock, moment: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(clock.now().as_micros() - moment.as_micros()).unwrap())
}

fn open(store: &Shared, clock: &ManualClock, step: SagaStep<Trip, u64>) -> SagaOrchestratorBuilder {
    builder(store).with_clock(clock.clone()).with_lease(LEASE).saga(trip().then(step))
}

#[tokio::test]
async fn when_a_process_dies_another_takes_over_within_the_time_of_a_lease() {
    let (done, clock, store) = (Done::default(), ManualClock::new(), store());
    let dies = open(&store, &clock, hanging(&done)).open().await.unwrap();
    let lives = open(&store, &clock, quick(&done)).open().await.unwrap();
    dies.start("trip", "1", &ann()).await.unwrap();
    until(&done, "flight", 1).await;
    drop(dies);
    let died = clock.now();
    let outcome = with_time(&clock, lives.wait_for_end(&id())).await.unwrap();
    let took = since(&clock, died);
    assert!(took <= LEASE, "{took:?}");
    // The token of whoever took over is greater than that of whoever began, which was the first event.
    assert!(outcome.output::<u64>("flight").unwrap() > 1);
    assert_eq!(done.count("flight"), 2);
}

#[tokio::test]
async fn a_process_that_closes_is_succeeded_at_once_and_so_is_one_by_another_of_its_name() {
    for closes in [true, false] {
        let (done, clock, store) = (Done::default(), ManualClock::new(), store());
        let first = open(&store, &clock, hanging(&done)).with_worker_name("only").open().await.unwrap();
        first.start("trip", "1", &ann()).await.unwrap();
        until(&done, "flight", 1).await;
        let name = if closes {
            // The attempt that hangs has a day; who closes waits for it, unless dropped meanwhile.
            let closing = first.clone();
            tokio::select! {
                () = closing.close() => panic!("an attempt was left in the middle"),
                () = tokio::task::yield_now() => {}
            }
            clock.advance(Duration::from_secs(86_401));
            soon(first.close()).await;
            "another"
        } else {
            "only"
        };
        drop(first);
        let second = open(&store, &clock, quick(&done)).with_worker_name(name).open().await.unwrap();
        let before = clock.now();
        assert!(with_time(&clock, second.wait_for_end(&id())).await.unwrap().is_completed());
        let waited = since(&clock, before);
        assert!(waited < LEASE / 3, "{waited:?}");
    }
}

/// A store whose appends wait while its process sleeps.
struct Sleepy {
    inner: Arc<InMemoryBackend>,
    sleeps: watch::Receiver<bool>,
}

#[async_trait]
impl Interceptor for Sleepy {
    fn store(&self) -> impl EventStoreBackend {
        Arc::clone(&self.inner)
    }

    async fn append_all(&self, batch: AppendBatch) -> StoreResult<Vec<Appended>> {
        let _ = self.sleeps.clone().wait_for(|sleeps| !sleeps).await;
        self.inner.append_all(batch).await
    }
}

#[tokio::test]
async fn a_process_that_slept_and_wakes_cannot_write_what_it_thinks_is_its_own() {
    let (done, clock) = (Done::default(), ManualClock::new());
    let inner = Arc::new(InMemoryBackend::new());
    let (sleep, sleeps) = watch::channel(false);
    let sleepy = Sleepy { inner: Arc::clone(&inner), sleeps };
    let sleepy = EventStore::<Nothing, _>::with_backend(Intercepted(sleepy));
    let store: Shared = EventStore::with_backend(inner);

    // It falls asleep in the middle of its step, and has done what it was to do when it wakes.
    let (work, falls_asleep) = (done.clone(), sleep.clone());
    let step = SagaStep::new("flight", move |context: StepContext<Trip>| {
        falls_asleep.send_replace(true);
        work.note("flight");
        async move { Ok(context.fencing_token()) }
    });
    let slept = builder(&sleepy).with_clock(clock.clone()).with_lease(LEASE).saga(trip().then(step));
    let slept = slept.open().await.unwrap();
    let wakes = open(&store, &clock, quick(&done)).open().await.unwrap();
    slept.start("trip", "1", &ann()).await.unwrap();
    let outcome = with_time(&clock, wakes.wait_for_end(&id())).await.unwrap();
    assert!(outcome.is_completed());
    let before = store_events(&store).await;

    sleep.send_replace(false);
    // It learns that it has lost the saga, and how that has ended.
    assert_eq!(soon(slept.wait_for_end(&id())).await.unwrap(), outcome);
    soon(slept.close()).await;
    assert_eq!(store_events(&store).await, before);
    let claims = before.iter().filter(|event| matches!(event, SagaEvent::Claimed { .. })).count();
    let ends = before.iter().filter(|event| matches!(event, SagaEvent::Completed)).count();
    assert_eq!((claims, ends, done.count("flight")), (1, 1, 2));
}

async fn store_events(store: &Shared) -> Vec<SagaEvent> {
    let events = EventStore::<SagaEvent, _>::with_backend(Arc::clone(store.backend()));
    events.get_events("saga-trip-1").await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_number_of_processes_drive_sagas_side_by_side_and_each_step_is_carried_out_once() {
    let (done, store) = (Done::default(), store());
    let definition = || trip().then(done.step("hotel")).then(done.step("flight"));
    let few = 3.try_into().unwrap();
    let mut processes = Vec::new();
    for _ in 0..4 {
        processes.push(builder(&store).with_max_driven(few).saga(definition()).open().await.unwrap());
    }
    let mut waits = Vec::new();
    for number in 0..100 {
        let of_process = &processes[number % 3];
        let id = of_process.start("trip", &number.to_string(), &ann()).await.unwrap();
        // Another process than that which started it sees its end too.
        let watching = processes[(number + 1) % 4].clone();
        waits.push(tokio::spawn(async move { watching.wait_for_end(&id).await }));
    }
    for wait in waits {
        assert!(soon(wait).await.unwrap().unwrap().is_completed());
    }
    assert_eq!((done.count("hotel"), done.count("flight")), (100, 100));
}

fn claims(events: &[SagaEvent]) -> usize {
    events.iter().filter(|event| matches!(event, SagaEvent::Claimed { .. })).count()
}

#[tokio::test]
async fn processes_that_are_all_busy_for_long_take_nothing_from_each_other() {
    let (done, clock, store) = (Done::default(), ManualClock::new(), store());
    let one = open(&store, &clock, hanging(&done)).open().await.unwrap();
    let other = open(&store, &clock, hanging(&done)).open().await.unwrap();
    one.start("trip", "1", &ann()).await.unwrap();
    other.start("trip", "2", &ann()).await.unwrap();
    until(&done, "flight", 2).await;
    pass(&clock, 10 * LEASE).await;
    assert_eq!((claims(&store_events(&store).await), done.count("flight")), (0, 2));
}

#[tokio::test]
async fn a_process_that_closes_and_is_still_at_something_is_not_taken_for_dead() {
    let (done, clock, store) = (Done::default(), ManualClock::new(), store());
    let (end, ends) = watch::channel(false);
    let notes = done.clone();
    let slow = SagaStep::new("flight", move |context: StepContext<Trip>| {
        notes.note("flight");
        let mut ends = ends.clone();
        async move {
            let _ = ends.wait_for(|ends| *ends).await;
            Ok(context.fencing_token())
        }
    })
    .with_timeout(Duration::from_secs(86_400));
    let closes = open(&store, &clock, slow).open().await.unwrap();
    let other = open(&store, &clock, quick(&done)).open().await.unwrap();
    closes.start("trip", "1", &ann()).await.unwrap();
    until(&done, "flight", 1).await;
    let closing = tokio::spawn(async move { closes.close().await });
    pass(&clock, 4 * LEASE).await;
    assert_eq!((claims(&store_events(&store).await), done.count("flight")), (0, 1));
    end.send_replace(true);
    soon(closing).await.unwrap();
    assert!(soon(other.wait_for_end(&id())).await.unwrap().is_completed());
    assert_eq!(done.count("flight"), 1);
}

#[tokio::test]
async fn nobody_takes_over_a_saga_that_has_nothing_to_do() {
    let (done, clock, store) = (Done::default(), ManualClock::new(), store());
    let waits = || {
        let waits = done.failing("flight", |attempt| {
            (attempt == 1).then(|| StepError::retryable("sold out").with_retry_after(1_000 * LEASE))
        });
        let parks = done.failing("flight", |_| Some(StepError::rejected("no"))).on_failure(OnFailure::Park);
        builder(&store)
            .with_clock(clock.clone())
            .with_lease(LEASE)
            .saga(trip().then(waits))
            .saga(SagaDefinition::<Trip>::new("parks").then(parks))
    };
    let one = waits().open().await.unwrap();
    let other = waits().open().await.unwrap();
    one.start("trip", "1", &ann()).await.unwrap();
    one.run("parks", "1", &ann()).await.unwrap();
    // A person has it tried again, and it is parked once more.
    let parked = SagaId::new("parks", "1").unwrap();
    one.sagas().retry(&parked, "").await.unwrap();
    until(&done, "flight", 3).await;
    pass(&clock, 20 * LEASE).await;
    drop(one);
    pass(&clock, 20 * LEASE).await;
    let history = other.sagas().show(&parked).await.unwrap().history;
    let of_parked: Vec<_> = history.into_iter().map(|recorded| recorded.event).collect();
    assert_eq!((claims(&store_events(&store).await), claims(&of_parked)), (0, 0));
}

#[tokio::test]
async fn what_is_under_way_when_its_process_dies_does_not_wait_for_what_is_tried_again_later() {
    let (done, clock, store) = (Done::default(), ManualClock::new(), store());
    let later = done.failing("hotel", |_| {
        Some(StepError::retryable("not before tomorrow").with_retry_after(Duration::from_secs(86_400)))
    });
    let dies = builder(&store)
        .with_clock(clock.clone())
        .with_worker_name("only")
        .saga(trip().step(hanging(&done)).step(later))
        .open()
        .await
        .unwrap();
    dies.start("trip", "1", &ann()).await.unwrap();
    let sagas = dies.sagas();
    soon(async {
        while sagas.list(|saga| saga.reason.is_some()).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(dies);
    let _next = builder(&store)
        .with_clock(clock.clone())
        .with_worker_name("only")
        .saga(trip().step(quick(&done)).step(done.step("hotel")))
        .open()
        .await
        .unwrap();
    until(&done, "flight", 2).await;
    assert_eq!(done.count("hotel"), 1);
}

#[tokio::test]
async fn a_process_that_had_nothing_to_do_keeps_its_sagas_when_a_person_steps_in() {
    let (done, clock, store) = (Done::default(), ManualClock::new(), store());
    let open = |done: &Done| {
        let parks = done.failing("flight", |_| Some(StepError::rejected("no"))).on_failure(OnFailure::Park);
        builder(&store).with_clock(clock.clone()).with_lease(LEASE).saga(trip().then(parks)).open()
    };
    let one = open(&done).await.unwrap();
    let _other = open(&done).await.unwrap();
    one.run("trip", "1", &ann()).await.unwrap();
    pass(&clock, 4 * LEASE).await;
    one.sagas().retry(&id(), "once more").await.unwrap();
    until(&done, "flight", 2).await;
    pass(&clock, 4 * LEASE).await;
    assert_eq!((claims(&store_events(&store).await), done.count("flight")), (0, 2));
}
