use allframe_cqrs::saga;

struct Trip;

#[saga]
impl Trip {
    fn hotel(&self, _input: &String) {}
}

fn main() {}
