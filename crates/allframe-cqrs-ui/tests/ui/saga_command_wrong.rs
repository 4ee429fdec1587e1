use allframe_cqrs::{CommandBus, command, event, saga};

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Booked;

#[command(stream = "rooms")]
#[derive(serde::Serialize, serde::Deserialize)]
struct Book;

struct Waiting {
    bus: CommandBus<Booked>,
}

#[saga]
impl Waiting {
    #[saga_step(command)]
    async fn book(&self, _input: &String) -> Book {
        Book
    }
}

struct WithoutBus;

#[saga]
impl WithoutBus {
    #[saga_step(command)]
    fn book(&self, _input: &String) -> Book {
        Book
    }
}

struct OnAnother {
    bus: String,
}

#[saga]
impl OnAnother {
    #[saga_step(command, bus = bus)]
    fn book(&self, _input: &String) -> Book {
        Book
    }
}

struct NoCommand {
    bus: CommandBus<Booked>,
}

#[saga]
impl NoCommand {
    #[saga_step(command)]
    fn book(&self, _input: &String) -> u32 {
        7
    }
}

fn main() {}
