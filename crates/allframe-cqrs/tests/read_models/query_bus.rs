//! Queries on their way to handlers, and what these have to wait for.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a test that fails")]

use std::{sync::Arc, time::Duration};

use allframe_cqrs::{
    BuildProblem, CommandBus, EventStore, GlobalPosition, Projection, ProjectionError, ProjectionHandle,
    ProjectionRegistry, Query, QueryBus, QueryError, QueryHandler, QueryResult, Registration, async_trait,
    command, command_handler, event, handlers,
    middleware::{Authorise, Request, Timeout},
    query, query_handler,
};
use futures_util::poll;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Deposited {
    amount: u64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Turnover {
    total: u64,
}

impl Projection for Turnover {
    type Event = Deposited;

    fn apply(&mut self, event: &Deposited) {
        self.total += event.amount;
    }
}

#[command(stream = "account-1")]
struct Deposit {
    amount: u64,
}

#[command_handler]
fn deposit(command: Deposit) -> Vec<Deposited> {
    vec![Deposited { amount: command.amount }]
}

#[query]
struct Total;

#[query_handler]
async fn total(_query: Total, turnover: &ProjectionHandle<Turnover>) -> Result<u64, ProjectionError> {
    Ok(turnover.read().await?.total)
}

#[query]
struct Doubled(u64);

struct Calculator {
    factor: u64,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{0} is too much")]
struct TooMuch(u64);

#[query]
struct Checked(u64);

#[handlers]
impl Calculator {
    /// Not a `Result`: it is the answer as it is.
    #[query_handler]
    fn doubled(&self, query: Doubled) -> Option<u64> {
        query.0.checked_mul(self.factor)
    }

    #[query_handler]
    async fn checked(self: Arc<Self>, query: Checked) -> QueryResult<u64> {
        if query.0 > 100 {
            return Err(QueryError::failed(TooMuch(query.0)));
        }
        Ok(query.0)
    }
}

async fn started() -> (EventStore<Deposited>, ProjectionRegistry<Deposited>, QueryBus) {
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    registry.add(Registration::stored("turnover", 1, Turnover::default)).await.unwrap();
    let bus = QueryBus::builder()
        .discover()
        .projection(registry.handle::<Turnover>().unwrap())
        .provide(Arc::new(Calculator { factor: 2 }))
        .build()
        .unwrap();
    (store, registry, bus)
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_query_as_of_a_command_s_position_sees_what_the_command_did() {
    let (store, _registry, queries) = started().await;
    let commands = CommandBus::builder(store).discover().build().unwrap();
    for round in 1..=50 {
        let done = commands.dispatch(Deposit { amount: 1 }).await.unwrap();
        let total: u64 = queries.dispatch_at(Total, done.position.unwrap(), LONG).await.unwrap();
        assert_eq!(total, round);
    }
}

#[tokio::test(start_paused = true)]
async fn a_query_waits_for_its_read_model_and_no_longer_than_it_may() {
    let (store, registry, queries) = started().await;
    let ahead = store.append("account-1", vec![Deposited { amount: 1 }]).await.unwrap().last_position;
    queries.dispatch_at::<_, u64>(Total, ahead, LONG).await.unwrap();

    let behind = store.append("account-1", vec![Deposited { amount: 1 }]).await.unwrap().last_position;
    let never = GlobalPosition::new(behind.get() + 1);
    let error = queries.dispatch_at::<_, u64>(Total, never, Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(error, QueryError::Projection(ProjectionError::TimedOut { .. })), "{error}");
    assert_eq!(error.outcome(), "timed_out");

    let mut waiting = Box::pin(queries.dispatch_at::<_, u64>(Total, never, LONG));
    assert!(poll!(&mut waiting).is_pending());
    store.append("account-1", vec![Deposited { amount: 5 }]).await.unwrap();
    assert_eq!(waiting.await.unwrap(), 7);
    registry.close().await.unwrap();
}

#[tokio::test]
async fn a_query_that_has_nothing_to_wait_for_says_so_and_does_not_answer_with_the_past() {
    let (_store, _registry, queries) = started().await;
    let error = queries.dispatch_at::<_, u64>(Checked(7), GlobalPosition::new(1), LONG).await.unwrap_err();
    assert!(matches!(error, QueryError::NothingToWaitFor { query: "Checked" }), "{error}");
}

#[tokio::test]
async fn handlers_are_functions_and_methods_that_answer_with_what_they_like() {
    let (_store, _registry, queries) = started().await;
    assert_eq!(queries.dispatch::<_, Option<u64>>(Doubled(21)).await.unwrap(), Some(42));
    assert_eq!(queries.dispatch::<_, Option<u64>>(Doubled(u64::MAX)).await.unwrap(), None);
    assert_eq!(queries.dispatch::<_, u64>(Checked(7)).await.unwrap(), 7);
    let error = queries.dispatch::<_, u64>(Checked(101)).await.unwrap_err();
    assert_eq!(error.failure(), Some(&TooMuch(101)));
}

#[tokio::test]
async fn an_answer_of_another_type_is_named_and_not_cast() {
    let (_store, _registry, queries) = started().await;
    let error = queries.dispatch::<_, u32>(Total).await.unwrap_err();
    assert_eq!(error.to_string(), "`Total` is answered with `u64`, not with `u32`; ask for that");
}

#[tokio::test]
async fn a_handler_that_panics_is_an_error_and_one_that_is_missing_too() {
    #[query]
    struct Fall;
    #[query]
    struct Nobody;
    let bus = QueryBus::builder()
        .function(|_: Fall| async { if true { panic!("over the edge") } else { Ok::<u8, String>(1) } })
        .build()
        .unwrap();
    let error = bus.dispatch::<_, u8>(Fall).await.unwrap_err();
    assert!(matches!(error, QueryError::Panicked { query: "Fall", .. }), "{error}");
    assert!(
        matches!(bus.dispatch::<_, u8>(Nobody).await, Err(QueryError::NotFound(name)) if name == "Nobody")
    );
}

#[tokio::test]
async fn a_layer_that_panics_is_an_error_too() {
    let bus = QueryBus::builder()
        .layer(Authorise::new(|_: &Request| panic!("the layer is tired")))
        .function(|_: Total| async { Ok::<u64, String>(1) })
        .build()
        .unwrap();
    let error = bus.dispatch::<_, u64>(Total).await.unwrap_err();
    assert!(matches!(error, QueryError::Panicked { query: "Total", .. }), "{error}");
}

#[test]
fn everything_that_is_wrong_is_named_before_the_first_query() {
    let error = QueryBus::builder()
        .discover()
        .function(|_: Total| async { Ok::<u64, String>(1) })
        .build()
        .unwrap_err();
    let missing =
        error.problems.iter().filter(|it| matches!(it, BuildProblem::MissingDependency { .. })).count();
    assert_eq!(missing, 3, "{error}");
    let double = |it: &BuildProblem| matches!(it, BuildProblem::DuplicateHandler { handled: "Total", .. });
    assert!(error.problems.iter().any(double), "{error}");
    assert!(error.to_string().contains("give the bus one with `projection`"), "{error}");
    assert!(
        error.to_string().contains(
            "`read_models::query_bus::Calculator::doubled` asks for a `alloc::sync::Arc<read_models::query_bus::Calculator>`"
        ),
        "{error}"
    );
    let twice = QueryBus::builder()
        .function(|_: Total| async { Ok::<u64, String>(1) })
        .function(|_: Total| async { Ok::<u64, String>(2) })
        .build()
        .unwrap_err();
    assert!(
        matches!(twice.problems[..], [BuildProblem::DuplicateHandler { handled: "Total", .. }]),
        "{twice}"
    );
}

#[tokio::test(start_paused = true)]
async fn layers_of_commands_are_layers_of_queries() {
    #[query]
    struct Slow;
    let bus = QueryBus::builder()
        .layer(Authorise::new(|request: &Request| match request.message::<Total>() {
            Some(_) => Err("not for you".to_owned()),
            None => Ok(()),
        }))
        .layer(Timeout::new(Duration::from_secs(1)))
        .function(|_: Slow| std::future::pending::<Result<u8, String>>())
        .function(|_: Total| async { Ok::<u64, String>(1) })
        .build()
        .unwrap();
    assert!(
        matches!(bus.dispatch::<_, u64>(Total).await, Err(QueryError::Denied(why)) if why == "not for you")
    );
    assert!(matches!(bus.dispatch::<_, u8>(Slow).await, Err(QueryError::TimedOut(_))));
}

struct ByHand;

struct Answer42;

impl Query for ByHand {}

#[async_trait]
impl QueryHandler<ByHand, u64> for Answer42 {
    async fn handle(&self, _query: ByHand) -> QueryResult<u64> {
        Ok(42)
    }
}

#[tokio::test]
async fn a_bus_as_code_for_allframe_uses_it_answers_and_keeps_its_first_handler() {
    let bus = QueryBus::new();
    bus.register(Answer42).await.unwrap();
    assert!(bus.register(Answer42).await.is_err());
    assert_eq!(bus.handlers_count().await, 1);
    assert_eq!(bus.dispatch::<ByHand, u64>(ByHand).await.unwrap(), 42);
    let built = QueryBus::builder().handler(Answer42).build().unwrap();
    assert_eq!(built.dispatch::<ByHand, u64>(ByHand).await.unwrap(), 42);
}
