use allframe_cqrs::event;

#[event]
#[derive(Clone)]
struct Opened {
    owner: String,
}

fn main() {}
