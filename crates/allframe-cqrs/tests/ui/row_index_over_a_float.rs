use allframe_cqrs::Row;

#[derive(Row)]
struct Flight {
    #[key]
    id: u32,
    #[index]
    delay: f64,
}

fn main() {}
