use allframe_cqrs::{Invertible, command};

struct NoCommand {
    seats: u32,
}

#[command(inverse = NoCommand { seats })]
struct UndoneByNoCommand {
    seats: u32,
}

#[command]
struct Release {
    seats: u32,
}

#[command(inverse = Release { seats, note })]
struct TooMuch {
    seats: u32,
    note: String,
}

#[command(inverse = Release {})]
struct TooLittle {
    seats: u32,
}

#[command(inverse = Release { seats })]
struct OfAnotherType {
    seats: u64,
}

#[command(inverse = Release { seats: seats })]
struct Reference {
    seats: u32,
}

#[command(inverse = Release { seats: *seat })]
struct Misspelt {
    seats: u32,
}

struct Ticket;

#[command]
struct Return {
    ticket: Ticket,
}

#[command(inverse = Return { ticket })]
struct NotCloned {
    ticket: Ticket,
}

#[command]
struct Unlock<K: Send + Sync + 'static> {
    key: K,
}

#[command(inverse = Unlock<K> { key })]
struct Lock<K: Send + Sync + 'static> {
    key: K,
}

#[command(inverse = Unlock { key })]
struct WithoutParameter {
    key: u32,
}

fn undo(command: &impl Invertible) {
    let _ = command.inverse();
}

fn main() {
    undo(&Release { seats: 7 });
}
