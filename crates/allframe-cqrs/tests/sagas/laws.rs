//! Whatever steps do, whatever the store answers and whenever the process dies: a saga ends, and leaves behind either all that it was
//! to do, or nothing of it, or a person who knows.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use allframe_cqrs::{
    Appended, EventStore, EventStoreBackend, InMemoryBackend, ManualClock, StoreError,
    api::{AppendBatch, Result as StoreResult},
    async_trait,
    saga::{OnFailure, SagaDefinition, SagaError, SagaId, SagaOutcome, SagaStep, StepContext, StepError},
};
use eventstore_conformance::intercept::{Intercepted, Interceptor};
use fastrand::Rng;
use proptest::prelude::*;
use tokio::sync::Notify;

use crate::trips::{Nothing, Trip, ann, builder, soon};

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Done,
    Rejected,
    Retryable,
    /// It is not known, and was done or not.
    Uncertain {
        done: bool,
    },
    Panics {
        done: bool,
    },
    TakesTooLong {
        done: bool,
    },
}

#[derive(Clone, Debug)]
struct Plan {
    /// Which of those before it it waits for, a bit for each.
    after: u8,
    wanted: bool,
    /// Of the attempts, the last one for all later ones too.
    attempts: Vec<Fate>,
    undos: Vec<Fate>,
    max_attempts: u32,
    parks: bool,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        8 => Just(Fate::Done),
        1 => Just(Fate::Rejected),
        2 => Just(Fate::Retryable),
        1 => any::<bool>().prop_map(|done| Fate::Uncertain { done }),
        1 => any::<bool>().prop_map(|done| Fate::Panics { done }),
        1 => any::<bool>().prop_map(|done| Fate::TakesTooLong { done }),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let fates = || prop::collection::vec(fate(), 1..4);
    (any::<u8>(), prop::bool::weighted(0.9), fates(), fates(), 1..4_u32, prop::bool::weighted(0.1)).prop_map(
        |(after, wanted, attempts, undos, max_attempts, parks)| Plan {
            after,
            wanted,
            attempts,
            undos,
            max_attempts,
            parks,
        },
    )
}

/// What is outside: which step is done, by its key, and how often it was made so.
#[derive(Clone, Default)]
struct World(Arc<Mutex<BTreeMap<String, Effect>>>);

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Effect {
    done: bool,
    undone: bool,
}

impl World {
    fn carry_out(&self, step: &str) {
        let mut world = self.0.lock().unwrap();
        let effect = world.entry(step.to_owned()).or_default();
        assert!(!effect.undone, "`{step}` was done after it was undone");
        effect.done = true;
    }

    fn is_done(&self, step: &str) -> bool {
        self.0.lock().unwrap().get(step).is_some_and(|effect| effect.done)
    }

    fn undo(&self, step: &str) {
        self.0.lock().unwrap().entry(step.to_owned()).or_default().undone = true;
    }

    fn all(&self) -> BTreeMap<String, Effect> {
        self.0.lock().unwrap().clone()
    }
}

async fn suffer(fates: &[Fate], attempt: u32, does: impl Fn()) -> Result<(), StepError> {
    let place = usize::try_from(attempt).unwrap().saturating_sub(1).min(fates.len() - 1);
    match fates[place] {
        Fate::Done => {
            does();
            Ok(())
        }
        Fate::Rejected => Err(StepError::rejected("refused")),
        Fate::Retryable => Err(StepError::retryable("not now")),
        Fate::Uncertain { done } => {
            done.then(does);
            Err(StepError::uncertain("who knows"))
        }
        Fate::Panics { done } => {
            done.then(does);
            panic!("the step panics as it should");
        }
        Fate::TakesTooLong { done } => {
            done.then(does);
            pending().await
        }
    }
}

fn definition(plans: &[Plan], world: &World) -> SagaDefinition<Trip> {
    plans.iter().enumerate().fold(SagaDefinition::new("trip"), |definition, (place, plan)| {
        let name = format!("s{place}");
        let (does, undoes) = ((world.clone(), plan.clone()), (world.clone(), plan.clone()));
        let after: Vec<String> = (0..place)
            .filter(|other| plan.after & (1 << other) != 0)
            .map(|other| format!("s{other}"))
            .collect();
        let wanted = plan.wanted;
        let step = SagaStep::new(name, move |context: StepContext<Trip>| {
            let (world, plan) = does.clone();
            async move {
                // What was done with a key is answered as done when it is asked for again, and not refused.
                let fates = if world.is_done(context.step()) { &[Fate::Done][..] } else { &plan.attempts };
                suffer(fates, context.attempt(), || world.carry_out(context.step())).await
            }
        })
        .compensate(move |context, _| {
            let (world, plan) = undoes.clone();
            async move { suffer(&plan.undos, context.attempt(), || world.undo(context.step())).await }
        })
        .after(after)
        .when(move |_| Ok(wanted))
        .with_max_attempts(plan.max_attempts.try_into().unwrap())
        .on_failure(if plan.parks { OnFailure::Park } else { OnFailure::Compensate });
        definition.step(step)
    })
}

/// A store that does not answer now and then, and one of whose processes dies at some append.
struct Unreliable {
    inner: Arc<InMemoryBackend>,
    chance: Mutex<Rng>,
    appends_left: AtomicU64,
    died: Arc<Notify>,
}

impl Unreliable {
    async fn lives_on(&self) {
        let left =
            self.appends_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            self.died.notify_one();
            pending::<()>().await;
        }
    }
}

#[async_trait]
impl Interceptor for Unreliable {
    fn store(&self) -> impl EventStoreBackend {
        Arc::clone(&self.inner)
    }

    async fn append_all(&self, batch: AppendBatch) -> StoreResult<Vec<Appended>> {
        self.lives_on().await;
        let chance = self.chance.lock().unwrap().u8(..20);
        if chance == 0 {
            return Err(StoreError::unavailable("for a moment"));
        }
        let answer = self.inner.append_all(batch).await;
        self.lives_on().await;
        if chance == 1 { Err(StoreError::outcome_unknown("the answer is lost")) } else { answer }
    }
}

/// Runs the saga, in one process after the other, each of which dies at one of these appends, to its end.
async fn run(plans: &[Plan], seed: u64, deaths: &[u64], world: &World) -> SagaOutcome {
    let (inner, clock) = (Arc::new(InMemoryBackend::new()), ManualClock::new());
    let id = SagaId::new("trip", "1").unwrap();
    for appends in deaths.iter().copied().chain([u64::MAX]) {
        let died = Arc::new(Notify::new());
        let unreliable = Unreliable {
            inner: Arc::clone(&inner),
            chance: Mutex::new(Rng::with_seed(seed.wrapping_add(appends))),
            appends_left: AtomicU64::new(appends),
            died: Arc::clone(&died),
        };
        let store = EventStore::<Nothing, _>::with_backend(Intercepted(unreliable));
        let sagas = builder(&store)
            .with_clock(clock.clone())
            .with_worker_name("only")
            .saga(definition(plans, world))
            .open()
            .await
            .unwrap();
        let whole = async {
            // Whoever starts tries again where the store does not answer.
            while let Err(error) = sagas.start("trip", "1", &ann()).await {
                assert!(matches!(&error, SagaError::Store(error) if error.is_retryable()), "{error}");
            }
            sagas.wait_for_end(&id).await.unwrap()
        };
        let time_goes_on = async {
            loop {
                for _ in 0..30 {
                    tokio::task::yield_now().await;
                }
                clock.wake_next().await;
            }
        };
        tokio::select! {
            biased;
            outcome = whole => return outcome,
            () = died.notified() => {}
            () = time_goes_on => unreachable!("time goes on for ever"),
        }
        // The attempts that are under way end with the process, and not a moment later.
        drop(sagas);
        for _ in 0..30 {
            tokio::task::yield_now().await;
        }
    }
    unreachable!("the last one does not die")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn a_saga_ends_with_all_or_nothing_done_or_waits_for_a_person(
        plans in prop::collection::vec(plan(), 1..5),
        seed in any::<u64>(),
        deaths in prop::collection::vec(1..12_u64, 0..4),
    ) {
        let world = World::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let outcome = runtime.block_on(soon(run(&plans, seed, &deaths, &world)));
        let left = world.all();
        match outcome {
            SagaOutcome::Completed(_) => {
                for (place, plan) in plans.iter().enumerate() {
                    let effect = left.get(&format!("s{place}")).copied().unwrap_or_default();
                    prop_assert_eq!(effect, Effect { done: plan.wanted, undone: false }, "s{}", place);
                }
            }
            SagaOutcome::Compensated { .. } => {
                for (step, effect) in &left {
                    prop_assert!(!effect.done || effect.undone, "`{}` is left behind", step);
                }
            }
            SagaOutcome::Parked { reason } => {
                let could_not_undo = plans.iter().any(|plan| !plan.undos.iter().all(|fate| matches!(fate, Fate::Done)));
                let stays = plans.iter().any(|plan| plan.parks);
                prop_assert!(could_not_undo || stays, "{}", reason);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
