use allframe_cqrs::projection;

#[projection(name = "turnover", version = 1)]
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct Turnover<T> {
    last: Option<T>,
}

fn main() {}
