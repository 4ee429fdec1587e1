use allframe_cqrs::command;

#[command]
enum Open {
    Now,
}

fn main() {}
