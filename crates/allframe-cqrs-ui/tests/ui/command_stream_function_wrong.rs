use allframe_cqrs::command;

#[command(stream = by_value)]
struct ByValue;

fn by_value(_command: ByValue) -> String {
    String::new()
}

#[command(stream = a_number)]
struct Number;

fn a_number(_command: &Number) -> u64 {
    7
}

#[command(stream = of_nothing)]
struct Nothing;

fn of_nothing() -> String {
    String::new()
}

#[command(stream = nowhere)]
struct Nowhere;

#[command(stream = 3 + 4)]
struct Sum;

#[command(stream = by_value(self))]
struct Call;

fn main() {}
