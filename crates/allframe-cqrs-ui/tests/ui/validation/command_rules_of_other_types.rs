use allframe_cqrs::command;

struct Address {
    street: String,
}

#[command]
struct LengthOfANumber {
    #[validate(length(min = 1))]
    amount: u32,
}

#[command]
struct RangeOfAText {
    #[validate(range(min = 1))]
    owner: String,
}

#[command]
struct Into {
    #[validate(dive)]
    address: Address,
}

fn main() {}
