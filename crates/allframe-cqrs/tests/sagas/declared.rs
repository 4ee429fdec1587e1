//! Sagas whose steps are methods.

use std::{sync::Arc, time::Duration};

use allframe_cqrs::{
    Backoff, CommandBus, CommandError, EventStore, command, event, saga,
    saga::{
        IntoSagaDefinition, Saga, SagaDefinition, SagaEvent, SagaOrchestrator, SagaOutcome, StepContext,
        StepError,
    },
};
use serde::{Deserialize, Serialize};
use tokio::sync::Barrier;

use crate::trips::{Done, Nothing, Trip, ann, builder, soon};

/// Carries a saga out whose input is ann's trip.
async fn run<S>(saga: S) -> SagaOutcome
where
    S: IntoSagaDefinition<Input = Trip>,
{
    let definition: SagaDefinition<Trip> = saga.into_definition();
    let name = definition.name().to_owned();
    let sagas = builder(&EventStore::<Nothing>::new()).saga(definition).open().await.unwrap();
    soon(sagas.run(&name, "1", &ann())).await.unwrap()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Room {
    number: u32,
}

struct Voucher {
    done: Done,
}

#[saga]
impl Voucher {
    /// Declared first, and carried out last.
    #[saga_step]
    async fn voucher(&self, hotel: &Room, name: &str, input: &Trip) -> Result<String, StepError> {
        self.done.note("voucher");
        Ok(format!("{} ({name}) has room {}", input.traveller, hotel.number))
    }

    #[saga_step(after(hotel))]
    fn name(self: Arc<Self>, input: &Trip) -> String {
        self.done.note("name");
        input.traveller.to_uppercase()
    }

    #[saga_step]
    async fn hotel(&self, context: StepContext<Trip>) -> Room {
        self.done.note(context.idempotency_key().to_string());
        Room { number: context.attempt() }
    }
}

#[tokio::test]
async fn outputs_are_handed_on_to_the_parameters_that_are_called_like_the_steps() {
    let done = Done::default();
    let outcome = run(Voucher { done: done.clone() }).await;
    assert_eq!(outcome.output::<String>("voucher").unwrap(), "ann (ANN) has room 1");
    assert_eq!(done.all(), ["saga-voucher-1/hotel", "name", "voucher"]);
}

#[tokio::test]
async fn the_methods_can_still_be_called() {
    let voucher = Voucher { done: Done::default() };
    let text = voucher.voucher(&Room { number: 7 }, "ANN", &ann()).await.unwrap();
    assert_eq!(text, "ann (ANN) has room 7");
    assert_eq!(Voucher::NAME, "voucher");
}

struct AtOnce {
    together: Barrier,
}

#[saga(name = "travel.at_once")]
impl AtOnce {
    #[saga_step]
    async fn hotel(&self, _input: &Trip) -> bool {
        // Alone, it would wait for ever.
        self.together.wait().await.is_leader()
    }

    #[saga_step]
    async fn flight(&self) -> bool {
        self.together.wait().await.is_leader()
    }

    #[saga_step]
    fn tickets(hotel: &bool, flight: &bool) -> bool {
        hotel != flight
    }
}

#[tokio::test]
async fn steps_that_take_nothing_of_each_other_run_at_once() {
    let outcome = run(AtOnce { together: Barrier::new(2) }).await;
    assert!(outcome.output::<bool>("tickets").unwrap());
}

struct Skipping {
    done: Done,
}

#[saga]
impl Skipping {
    #[saga_step]
    fn guide(&self, input: &Trip) -> Option<String> {
        (input.traveller == "bob").then(|| "a guide".to_owned())
    }

    #[saga_step(when = needs_visa)]
    fn visa(&self) -> u32 {
        self.done.note("visa");
        7
    }

    fn needs_visa(&self, guide: &Option<String>, context: &StepContext<Trip>) -> bool {
        self.done.note(format!("asked by {}", context.step()));
        guide.is_some()
    }

    #[saga_step(when = needs_flight)]
    fn flight(&self, visa: Option<&u32>) -> String {
        self.done.note("flight");
        format!("visa: {visa:?}")
    }

    fn needs_flight(input: &Trip) -> Result<bool, CommandError> {
        Ok(!input.traveller.is_empty())
    }
}

#[tokio::test]
async fn a_step_is_skipped_whose_method_says_so_and_others_see_that_there_is_no_output() {
    let done = Done::default();
    let outcome = run(Skipping { done: done.clone() }).await;
    assert!(outcome.output::<u32>("visa").is_err());
    assert_eq!(outcome.output::<String>("flight").unwrap(), "visa: None");
    assert_eq!(done.all(), ["asked by visa", "flight"]);
}

/// A saga that is undone.
struct Undone {
    done: Done,
}

#[saga]
impl Undone {
    #[saga_step(compensate = unhotel)]
    fn hotel(&self) -> Room {
        Room { number: 7 }
    }

    fn unhotel(&self, hotel: &Room, pay: Option<&u32>, input: &Trip) {
        self.done.note(format!("unhotel {} of {}, {pay:?}", hotel.number, input.traveller));
    }

    #[saga_step(compensate = unflight)]
    fn flight(&self, hotel: &Room) -> String {
        format!("to {}", hotel.number)
    }

    async fn unflight(
        &self,
        hotel: &Room,
        flight: Option<&String>,
        context: &StepContext<Trip>,
    ) -> Result<(), StepError> {
        self.done.note(format!("{} {flight:?} {}", context.idempotency_key(), hotel.number));
        Ok(())
    }

    #[saga_step(after(flight))]
    fn pay(&self, _input: &Trip) -> Result<u32, CommandError> {
        Err(CommandError::BusinessLogic("the card was declined".to_owned()))
    }
}

#[tokio::test]
async fn what_was_done_is_undone_by_methods_that_take_what_was_answered() {
    let done = Done::default();
    let outcome = run(Undone { done: done.clone() }).await;
    let SagaOutcome::Compensated { reason } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, "the step `pay` failed: the card was declined");
    assert_eq!(done.all(), [r#"saga-undone-1/flight/undo Some("to 7") 7"#, "unhotel 7 of ann, None"]);
}

/// Sagas of which nobody knows whether they have paid.
struct Uncertain<T> {
    done: Done,
    amount: T,
}

#[saga(input = Trip)]
impl<T> Uncertain<T>
where
    T: Clone + std::fmt::Debug + Serialize + for<'de> Deserialize<'de> + Send + Sync + 'static,
{
    #[saga_step(compensate = refund, max_attempts = 1)]
    async fn pay(&self) -> Result<T, StepError> {
        self.done.note(format!("pay {:?}", self.amount.clone()));
        Err(StepError::uncertain("the bank did not say"))
    }

    async fn refund(&self, pay: Option<&T>) {
        self.done.note(format!("refund {pay:?}"));
    }
}

struct UncertainNeedingMore;

#[saga(input = Trip)]
impl UncertainNeedingMore {
    #[saga_step(compensate = refund, max_attempts = 1)]
    async fn pay(&self) -> Result<Room, StepError> {
        Err(StepError::uncertain("the bank did not say"))
    }

    fn refund(&self, pay: &Room) {
        unreachable!("{pay:?} is not known");
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_undone_by_a_method_that_can_do_without_the_output() {
    let done = Done::default();
    let outcome = run(Uncertain { done: done.clone(), amount: 7_u8 }).await;
    assert!(matches!(outcome, SagaOutcome::Compensated { .. }), "{outcome:?}");
    assert_eq!(done.all(), ["pay 7", "refund None"]);
}

#[tokio::test]
async fn what_may_have_been_done_waits_for_a_person_where_the_method_needs_the_output() {
    let SagaOutcome::Parked { reason } = run(UncertainNeedingMore).await else { panic!("it ended") };
    assert_eq!(
        reason,
        "the step `pay` could not be undone: the outcome of the step `pay` is not known, and what undoes it needs it"
    );
}

/// The toolkit under another name.
mod renamed {
    pub(super) use ::allframe_cqrs as toolkit;
}

struct Renamed;

#[saga(crate = renamed::toolkit, input = Trip)]
impl Renamed {
    #[saga_step(compensate = free, on_failure = compensate)]
    fn hotel(&self) -> u32 {
        7
    }

    fn free(_hotel: Option<&u32>) {}

    #[saga_step(when = is_wanted)]
    fn flight(hotel: &u32) -> Result<u32, StepError> {
        Ok(hotel + 1)
    }

    fn is_wanted() -> bool {
        true
    }
}

#[tokio::test]
async fn the_toolkit_may_go_by_another_name() {
    assert_eq!(run(Renamed).await.output::<u32>("flight").unwrap(), 8);
}

struct Patient {
    done: Done,
}

const AT_ONCE: Backoff = Backoff::none();

#[saga]
impl Patient {
    #[saga_step(max_attempts = 3, backoff = AT_ONCE, on_failure = park)]
    fn pay(&self, _input: &Trip) -> Result<(), StepError> {
        self.done.note("pay");
        Err(StepError::retryable("the bank is closed"))
    }
}

#[tokio::test]
async fn a_step_is_tried_as_often_as_is_said_and_then_left_to_a_person() {
    let done = Done::default();
    assert!(matches!(run(Patient { done: done.clone() }).await, SagaOutcome::Parked { .. }));
    assert_eq!(done.count("pay"), 3);
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Booked {
    room: u32,
}

#[command(stream = "room-{room}")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct BookRoom {
    room: u32,
}

struct Booking {
    rooms: Arc<CommandBus<Booked>>,
}

#[saga(version = 3, timeout = "2h")]
impl Booking {
    #[saga_step(timeout = "7m")]
    fn choose(&self, input: &Trip) -> u32 {
        u32::try_from(input.traveller.len()).unwrap()
    }

    #[saga_step(command, bus = rooms, compensate = cancel)]
    fn book(&self, choose: &u32) -> Result<BookRoom, StepError> {
        Ok(BookRoom { room: *choose })
    }

    fn cancel(&self, book: Option<&Vec<Booked>>) {
        unreachable!("{book:?} stays");
    }

    #[saga_step]
    fn count(&self, book: &[Booked]) -> usize {
        book.len()
    }
}

async fn booked() -> (EventStore<Booked>, SagaOutcome) {
    let store = EventStore::<Booked>::new();
    let bus = CommandBus::builder(store.clone())
        .function(
            |command: BookRoom| async move { Ok::<_, CommandError>(vec![Booked { room: command.room }]) },
        )
        .build()
        .unwrap();
    let booking = Arc::new(Booking { rooms: Arc::new(bus) });
    let sagas = SagaOrchestrator::builder(&store).saga(booking).open().await.unwrap();
    let outcome = soon(sagas.run(Booking::NAME, "1", &ann())).await.unwrap();
    (store, outcome)
}

#[tokio::test]
async fn a_command_is_dispatched_and_its_events_are_the_output() {
    let (store, outcome) = booked().await;
    assert_eq!(outcome.output::<Vec<Booked>>("book").unwrap(), [Booked { room: 3 }]);
    assert_eq!(outcome.output::<usize>("count").unwrap(), 1);
    assert_eq!(store.get_events("room-3").await.unwrap(), [Booked { room: 3 }]);
}

#[tokio::test]
async fn the_version_and_the_times_are_stored() {
    let (store, _) = booked().await;
    let events = EventStore::<SagaEvent, _>::with_backend(store.to_dyn().backend().clone());
    let recorded = events.get_events("saga-booking-1").await.unwrap();
    let [SagaEvent::Started(started), SagaEvent::StepBegun { deadline, step, .. }, ..] = &recorded[..] else {
        panic!("{recorded:?}")
    };
    assert_eq!((started.version, step.as_str()), (3, "choose"));
    // Both count from the same moment, or nearly so.
    let whole = started.deadline.unwrap().as_micros();
    let between = Duration::from_micros(u64::try_from(whole - deadline.as_micros()).unwrap());
    assert_eq!(between.as_secs().div_ceil(60), 113);
}
