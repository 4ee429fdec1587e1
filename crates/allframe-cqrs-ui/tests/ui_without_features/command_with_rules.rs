use allframe_cqrs::command;

#[command(stream = "account-{account}")]
struct Open {
    account: u32,
    #[validate(length(min = 1))]
    owner: String,
}

fn main() {}
