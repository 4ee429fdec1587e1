use allframe_cqrs::command;

#[command]
struct RuleUnknown {
    #[validate(lenght(min = 1))]
    owner: String,
}

#[command]
struct NoRule {
    #[validate]
    owner: String,
}

#[command]
#[validate(length(min = 1))]
struct OnTheStruct {
    owner: String,
}

fn main() {}
