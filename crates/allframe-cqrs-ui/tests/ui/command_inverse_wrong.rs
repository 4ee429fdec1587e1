use allframe_cqrs::command;

#[command]
struct Release {
    seats: u32,
}

fn release_of(hold: &Called) -> Release {
    Release { seats: hold.seats }
}

#[command(inverse = release_of)]
struct Named {
    seats: u32,
}

#[command(inverse = release_of(self))]
struct Called {
    seats: u32,
}

#[command(inverse = "Release")]
struct Text {
    seats: u32,
}

#[command(inverse = Release by release_of)]
struct By {
    seats: u32,
}

#[command(inverse = Release { seats }.clone())]
struct Cloned {
    seats: u32,
}

#[command(inverse)]
struct Nothing {
    seats: u32,
}

#[command(inverse = Release { seats: * })]
struct Unfinished {
    seats: u32,
}

#[command(inverse = Release { seats, note })]
struct NoSuchField {
    seats: u32,
}

#[command(inverse = Release { seats })]
struct NoNames(u32);

#[command(inverse = Release { seats }, inverse = Release { seats })]
struct Twice {
    seats: u32,
}

#[command(name = "hold")]
#[command(inverse = Release { seats })]
struct InTwo {
    seats: u32,
}

fn main() {}
