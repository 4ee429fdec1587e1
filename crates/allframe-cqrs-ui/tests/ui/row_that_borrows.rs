use allframe_cqrs::Row;

#[derive(Row)]
struct Flight<'a> {
    #[key]
    id: &'a str,
}

fn main() {}
