use allframe_cqrs::command;

struct Number(u32);

#[command(stream = "account-{account}")]
struct Open {
    account: Number,
}

fn main() {}
