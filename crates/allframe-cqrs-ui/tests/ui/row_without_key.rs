use allframe_cqrs::Row;

#[derive(Row)]
struct Flight {
    #[index]
    carrier: String,
}

fn main() {}
