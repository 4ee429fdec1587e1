use allframe_cqrs::saga;

#[saga]
struct Trip;

fn main() {}
