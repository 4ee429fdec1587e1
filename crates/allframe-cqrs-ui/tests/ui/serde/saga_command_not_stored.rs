use allframe_cqrs::{CommandBus, command, event, saga};

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Booked;

#[command(stream = "rooms")]
struct Book;

struct Trip {
    bus: CommandBus<Booked>,
}

#[saga]
impl Trip {
    #[saga_step(command)]
    fn book(&self, _input: &String) -> Book {
        Book
    }
}

fn main() {}
