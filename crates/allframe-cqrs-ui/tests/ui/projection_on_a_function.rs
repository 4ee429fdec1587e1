use allframe_cqrs::projection;

#[projection(name = "turnover", version = 1)]
fn turnover() {}

fn main() {}
