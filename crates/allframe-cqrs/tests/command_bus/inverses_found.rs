//! What macros find out about the inverse of a command of which they have the type alone.

use allframe_cqrs::{Command, CommandBus, EventStore, InverseVisitor, command, command_handler, event};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RoomFreed {
    room: u32,
}

#[command(stream = "room-{room}", inverse = FreeRoom { room })]
struct BookRoom {
    room: u32,
}

#[command(stream = "room-{room}")]
#[derive(Clone, Serialize, Deserialize)]
struct FreeRoom {
    room: u32,
}

#[command_handler]
async fn free(command: FreeRoom) -> Vec<RoomFreed> {
    vec![RoomFreed { room: command.room }]
}

/// Keeps how an inverse is written, and how it is dispatched later, by a process that has no command to make it of.
struct Kept;

type Write<C> = Box<dyn Fn(&C) -> String>;
type Dispatch = for<'a> fn(&'a CommandBus<RoomFreed>, &str) -> BoxFuture<'a, Vec<RoomFreed>>;

impl<C: Command> InverseVisitor<C> for Kept {
    type Output = (Write<C>, Dispatch);

    fn visit<I>(self, inverse: fn(&C) -> I) -> Self::Output
    where
        I: Command + Clone + Serialize + DeserializeOwned,
    {
        (Box::new(move |command| serde_json::to_string(&inverse(command)).unwrap()), |bus, written| {
            let inverse: I = serde_json::from_str(written).unwrap();
            Box::pin(async { bus.dispatch(inverse).await.unwrap().events })
        })
    }
}

/// Asks as the macros do.
macro_rules! visit_inverse_of {
    ($command:ty, $visitor:expr) => {{
        #[allow(unused_imports, reason = "it is one of the two")]
        use allframe_cqrs::{OfAnyCommand as _, OfInvertible as _};
        (&allframe_cqrs::InverseOf::<$command>::new()).visit($visitor)
    }};
}

#[tokio::test]
async fn the_inverse_can_be_kept_as_bytes_and_dispatched_without_its_command() {
    let (write, dispatch) = visit_inverse_of!(BookRoom, Kept).unwrap();
    let written = write(&BookRoom { room: 12 });
    let bus = CommandBus::builder(EventStore::<RoomFreed>::new()).discover().build().unwrap();
    assert_eq!(dispatch(&bus, &written).await, [RoomFreed { room: 12 }]);
}

#[test]
fn a_command_without_an_inverse_has_none() {
    assert!(visit_inverse_of!(FreeRoom, Kept).is_none());
}
