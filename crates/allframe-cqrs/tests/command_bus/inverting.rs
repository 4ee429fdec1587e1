use std::fmt::Debug;

use allframe_cqrs::{
    Aggregate, Command, CommandBus, EventStore, Invertible, command, command_handler, event,
};
use serde::{Deserialize, Serialize};

#[command(stream = "flight-{flight}", inverse = ReleaseSeats { flight, seats })]
struct HoldSeats {
    flight: u32,
    seats: u32,
    note: String,
}

#[command(stream = "flight-{flight}", inverse = HoldSeats { flight, seats, note: "held again".to_owned() })]
#[derive(Debug, PartialEq)]
struct ReleaseSeats {
    flight: u32,
    seats: u32,
}

#[test]
fn what_stands_by_its_name_is_taken_over_into_the_inverse() {
    let hold = HoldSeats { flight: 1545, seats: 2, note: "by the window".into() };
    assert_eq!(hold.inverse(), ReleaseSeats { flight: 1545, seats: 2 });
}

#[test]
fn two_commands_may_undo_each_other() {
    let again = ReleaseSeats { flight: 1545, seats: 2 }.inverse();
    assert_eq!((again.flight, again.seats, again.note.as_str()), (1545, 2, "held again"));
    assert_eq!(again.inverse(), ReleaseSeats { flight: 1545, seats: 2 });
}

#[command(inverse = Refund { traveller, r#type, cents: cents.iter().sum::<i64>() - fee, why: format!("{traveller}: {fee}") })]
struct Charge {
    traveller: String,
    r#type: &'static str,
    cents: Vec<i64>,
    fee: i64,
}

#[command]
#[derive(Debug, Default, PartialEq)]
struct Refund {
    traveller: String,
    r#type: &'static str,
    cents: i64,
    why: String,
}

#[test]
fn expressions_have_the_fields_as_references_and_a_text_is_cloned() {
    let charge = Charge { traveller: "ann".into(), r#type: "card", cents: vec![700, 50], fee: 50 };
    let expected = Refund { traveller: "ann".into(), r#type: "card", cents: 700, why: "ann: 50".into() };
    assert_eq!(charge.inverse(), expected);
    assert_eq!(charge.traveller, "ann", "the command keeps what the inverse has");
}

#[command(inverse = Refund { traveller, ..Refund::default() })]
struct Greet {
    traveller: String,
}

#[test]
fn what_is_not_named_may_come_from_another_value() {
    let inverse = Greet { traveller: "ann".into() }.inverse();
    assert_eq!(inverse, Refund { traveller: "ann".into(), ..Refund::default() });
}

#[command(inverse = Self { on: !on, lamp })]
#[derive(Debug, PartialEq)]
struct Switch<K: Clone + Send + Sync + 'static> {
    lamp: K,
    on: bool,
}

#[test]
fn a_command_may_be_its_own_inverse_whatever_its_parameters() {
    assert_eq!(Switch { lamp: "hall", on: true }.inverse(), Switch { lamp: "hall", on: false });
    assert_eq!(Switch { lamp: 7, on: false }.inverse().inverse(), Switch { lamp: 7, on: false });
}

#[command(stream = "item-{key:?}", inverse = Unlock<K, N> { key })]
struct Lock<K, const N: usize>
where
    K: Clone + Debug + Send + Sync + 'static,
{
    key: [K; N],
}

#[command(inverse = Lock::<K, N> { key: key.clone() })]
#[derive(Debug, PartialEq)]
struct Unlock<K: Clone + Debug + Send + Sync + 'static, const N: usize> {
    key: [K; N],
}

#[test]
fn the_inverse_may_have_the_parameters_of_the_command_in_either_way_of_writing_them() {
    let unlock = Lock { key: ["a".to_owned(), "b".to_owned()] }.inverse();
    assert_eq!(unlock, Unlock { key: ["a".to_owned(), "b".to_owned()] });
    assert_eq!(unlock.inverse().key, ["a", "b"]);
}

#[command(inverse = Fall { 0: self.0 })]
struct Rise(u32);

#[command(inverse = Rise { 0: self.0 })]
struct Fall(u32);

#[command(inverse = Stop {})]
struct Start;

#[command(inverse = Start {})]
struct Stop;

#[test]
fn commands_without_names_of_fields_have_inverses_too() {
    assert_eq!(Rise(7).inverse().inverse().0, 7);
    let _: Start = Start.inverse().inverse();
}

mod elsewhere {
    pub(super) use ::allframe_cqrs as toolkit;

    #[toolkit::command(crate = toolkit, name = "close")]
    pub(super) struct Close {
        pub(super) door: u32,
    }
}

#[command(crate = elsewhere::toolkit, inverse = elsewhere::Close { door })]
struct OpenDoor {
    door: u32,
    #[cfg(any())]
    never: u32,
}

#[test]
fn the_inverse_may_be_of_another_module_and_the_toolkit_of_another_name() {
    fn name_of_inverse<C: Invertible>(_: &C) -> &'static str {
        C::Inverse::name()
    }
    let open = OpenDoor { door: 3 };
    assert_eq!((name_of_inverse(&open), open.inverse().door), ("close", 3));
}

macro_rules! undone_by {
    ($command:ident { $field:ident }, $inverse:expr) => {
        #[command(inverse = $inverse)]
        struct $command {
            $field: u32,
        }
    };
}

undone_by!(Dim { by }, Brighten { by, twice: *by * 2 });

#[command]
struct Brighten {
    by: u32,
    twice: u32,
}

#[test]
fn a_macro_may_write_the_inverse() {
    let inverse = Dim { by: 4 }.inverse();
    assert_eq!((inverse.by, inverse.twice), (4, 8));
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum SeatEvent {
    Held { seats: u32 },
    Released { seats: u32 },
}

#[derive(Default)]
struct Seats {
    held: u32,
}

impl Aggregate for Seats {
    type Event = SeatEvent;
    fn apply_event(&mut self, event: &SeatEvent) {
        match event {
            SeatEvent::Held { seats } => self.held += seats,
            SeatEvent::Released { seats } => self.held -= seats,
        }
    }
}

#[command_handler]
fn hold(command: &HoldSeats, _: &Seats) -> Vec<SeatEvent> {
    vec![SeatEvent::Held { seats: command.seats }]
}

#[command_handler]
fn release(command: &ReleaseSeats, seats: &Seats) -> Result<Vec<SeatEvent>, &'static str> {
    if seats.held < command.seats {
        return Err("not held");
    }
    Ok(vec![SeatEvent::Released { seats: command.seats }])
}

#[tokio::test]
async fn the_inverse_is_dispatched_like_any_command_and_may_be_refused() {
    let bus = CommandBus::builder(EventStore::<SeatEvent>::new()).discover().build().unwrap();
    let hold = HoldSeats { flight: 1545, seats: 2, note: String::new() };
    let inverse = hold.inverse();
    bus.dispatch(hold).await.unwrap();
    let done = bus.dispatch(inverse).await.unwrap();
    assert_eq!(done.events, [SeatEvent::Released { seats: 2 }]);
    let refused = bus.dispatch(ReleaseSeats { flight: 1545, seats: 2 }).await.unwrap_err();
    assert_eq!(refused.to_string(), "not held");
}
