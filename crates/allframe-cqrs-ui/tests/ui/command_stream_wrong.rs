use allframe_cqrs::command;

#[command(stream = "account-{acount}")]
struct FieldUnknown {
    account: u32,
}

#[command(stream = "account-{}")]
struct FieldUnnamed {
    account: u32,
}

#[command(stream = "account-{account")]
struct BraceOpen {
    account: u32,
}

#[command(stream = 7)]
struct NoText {
    account: u32,
}

#[command(stream = "account-{0}")]
struct Tuple(u32);

#[command(stream = "a", stream = "b")]
struct Twice;

#[command(name = "")]
struct Nameless;

fn main() {}
