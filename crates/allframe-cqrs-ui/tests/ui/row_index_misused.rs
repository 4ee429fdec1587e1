use allframe_cqrs::Row;

#[derive(Row)]
struct Unknown {
    #[key]
    id: u32,
    #[index(uniqe)]
    carrier: String,
}

#[derive(Row)]
struct Twice {
    #[key]
    id: u32,
    #[index]
    carrier: String,
    #[index(name = "carrier")]
    operator: String,
}

#[derive(Row)]
struct NotAName {
    #[key]
    id: u32,
    #[index(name = "the carrier")]
    carrier: String,
}

#[derive(Row)]
#[index(name = "route", fields(from, to))]
struct NoSuchField {
    #[key]
    id: u32,
    from: String,
}

#[derive(Row)]
#[index(fields(id, from))]
struct NoName {
    #[key]
    id: u32,
    from: String,
}

fn main() {}
