use allframe_cqrs::Row;

#[derive(Row)]
struct Flight(#[key] u32, #[index] String);

#[derive(Row)]
struct Nothing;

#[derive(Row)]
enum Either {
    One { id: u32 },
}

fn main() {}
