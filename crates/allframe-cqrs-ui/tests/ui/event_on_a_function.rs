use allframe_cqrs::event;

#[event]
fn happened() {}

fn main() {}
