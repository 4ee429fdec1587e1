use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use allframe_cqrs::{
    CommandBus, CommandError, DispatchContext, Dispatched, EventStore, async_trait, command, event,
    middleware::{Layer, Next, Request},
    saga,
    saga::{SagaOutcome, SagaStep, StepContext, StepError},
};
use serde::{Deserialize, Serialize};

use crate::trips::{Done, Trip, ann, builder, soon, trip};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum RoomEvent {
    Booked { room: u32 },
    Freed { room: u32 },
}

use RoomEvent::{Booked, Freed};

#[command(stream = "room-{room}", inverse = FreeRoom { room })]
#[derive(Serialize, Deserialize)]
struct BookRoom {
    room: u32,
}

#[command(stream = "room-{room}")]
#[derive(Clone, Serialize, Deserialize)]
struct FreeRoom {
    room: u32,
}

fn bus(store: &EventStore<RoomEvent>) -> CommandBus<RoomEvent> {
    CommandBus::builder(store.clone())
        .function(|command: BookRoom| async move {
            match command.room {
                13 => Err("there is no such room"),
                room => Ok(vec![Booked { room }]),
            }
        })
        .function(|command: FreeRoom| async move { vec![Freed { room: command.room }] })
        .build()
        .unwrap()
}

fn book(bus: &CommandBus<RoomEvent>, room: u32) -> SagaStep<Trip, Vec<RoomEvent>> {
    SagaStep::invertible_command("book", bus, move |_: &StepContext<Trip>| Ok(BookRoom { room }))
}

#[tokio::test]
async fn a_command_that_says_what_undoes_it_is_undone_by_that() {
    let store = EventStore::<RoomEvent>::new();
    let done = Done::default();
    let definition = trip()
        .then(book(&bus(&store), 7))
        .then(done.failing("pay", |_| Some(StepError::rejected("declined"))));
    let sagas = builder(&store).saga(definition).open().await.unwrap();
    soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert_eq!(store.get_events("room-7").await.unwrap(), [Booked { room: 7 }, Freed { room: 7 }]);
}

#[tokio::test]
async fn a_command_that_is_refused_leaves_nothing_to_undo() {
    let store = EventStore::<RoomEvent>::new();
    let sagas = builder(&store).saga(trip().then(book(&bus(&store), 13))).open().await.unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert!(matches!(outcome, SagaOutcome::Compensated { reason } if reason.contains("no such room")));
    assert!(store.get_all_events().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_events_of_a_command_are_the_output_and_are_marked_with_their_saga() {
    let store = EventStore::<RoomEvent>::new();
    let sagas = builder(&store).saga(trip().then(book(&bus(&store), 7))).open().await.unwrap();
    let context = DispatchContext::new().with_correlation_id("request-9");
    let outcome = context.run(async { soon(sagas.run("trip", "1", &ann())).await.unwrap() }).await;
    assert_eq!(outcome.output::<Vec<RoomEvent>>("book").unwrap(), [Booked { room: 7 }]);
    let booked = &store.get_matching(&allframe_cqrs::EventFilter::all()).await.unwrap().events[0];
    assert_eq!(booked.metadata().correlation_id(), Some("request-9"));
    assert_eq!(booked.metadata().get("saga"), Some("trip-1"));
    assert_eq!(booked.metadata().get("saga_step"), Some("book"));
    assert_eq!(booked.metadata().get("idempotency_key"), Some("saga-trip-1/book"));
}

#[tokio::test]
async fn the_command_is_decided_once_and_is_the_same_in_every_attempt() {
    let store = EventStore::<RoomEvent>::new();
    let (decided, sent) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let bus = {
        let sent = Arc::clone(&sent);
        CommandBus::builder(store.clone())
            .function(move |command: BookRoom| {
                let first = sent.fetch_add(1, Ordering::SeqCst) == 0;
                async move {
                    if first {
                        return Err(CommandError::Overloaded { waiting: 9 });
                    }
                    Ok(vec![Booked { room: command.room }])
                }
            })
            .build()
            .unwrap()
    };
    let counted = Arc::clone(&decided);
    let step = SagaStep::command("book", &bus, move |_: &StepContext<Trip>| {
        Ok(BookRoom { room: counted.fetch_add(1, Ordering::SeqCst) })
    });
    let sagas = builder(&store).saga(trip().then(step)).open().await.unwrap();
    assert!(soon(sagas.run("trip", "1", &ann())).await.unwrap().is_completed());
    assert_eq!((decided.load(Ordering::SeqCst), sent.load(Ordering::SeqCst)), (1, 2));
    assert_eq!(store.get_all_events().await.unwrap(), [Booked { room: 0 }]);
}

/// A layer that loses the answers of a command: after it was carried out, or before.
struct LosesAnswers {
    carries_out: bool,
}

#[async_trait]
impl Layer<Dispatched<RoomEvent>, CommandError> for LosesAnswers {
    async fn call(
        &self,
        request: Request,
        next: Next<'_, Dispatched<RoomEvent>, CommandError>,
    ) -> Result<Dispatched<RoomEvent>, CommandError> {
        if request.context().name() != "BookRoom" {
            return next.run(request).await;
        }
        if self.carries_out {
            next.run(request).await?;
        }
        Err(CommandError::TimedOut(Duration::from_secs(1)))
    }
}

#[tokio::test]
async fn a_command_of_which_nothing_is_known_is_undone_if_it_was_carried_out_and_barred_if_it_was_not() {
    for (carries_out, events) in [(true, vec![Booked { room: 7 }, Freed { room: 7 }]), (false, vec![])] {
        let store = EventStore::<RoomEvent>::new();
        let losing = CommandBus::builder(store.clone())
            .function(|command: BookRoom| async move { vec![Booked { room: command.room }] })
            .function(|command: FreeRoom| async move { vec![Freed { room: command.room }] })
            .layer(LosesAnswers { carries_out })
            .build()
            .unwrap();
        let step = book(&losing, 7).with_max_attempts(2.try_into().unwrap());
        let sagas = builder(&store).saga(trip().then(step)).open().await.unwrap();
        let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
        assert!(matches!(outcome, SagaOutcome::Compensated { .. }));
        assert_eq!(store.get_events("room-7").await.unwrap(), events);
        if !carries_out {
            // Whoever still has it under way, a process that was paused, comes too late.
            let late = bus(&store).dispatch_idempotent(BookRoom { room: 7 }, "saga-trip-1/book").await;
            assert!(matches!(late, Err(CommandError::KeyReused { .. })), "{late:?}");
        }
    }
}

struct Booking {
    bus: CommandBus<RoomEvent>,
}

#[saga(input = Trip)]
impl Booking {
    #[saga_step(command)]
    fn book(&self) -> BookRoom {
        BookRoom { room: 7 }
    }

    #[saga_step(after(book))]
    fn pay(&self) -> Result<(), StepError> {
        Err(StepError::rejected("declined"))
    }
}

#[tokio::test]
async fn a_declared_step_is_undone_by_what_its_command_says() {
    let store = EventStore::<RoomEvent>::new();
    let sagas = builder(&store).saga(Booking { bus: bus(&store) }).open().await.unwrap();
    let outcome = soon(sagas.run("booking", "1", &ann())).await.unwrap();
    assert!(matches!(outcome, SagaOutcome::Compensated { .. }));
    assert_eq!(store.get_events("room-7").await.unwrap(), [Booked { room: 7 }, Freed { room: 7 }]);
}
