use allframe_cqrs::saga;

struct Trip;

#[saga]
impl Trip {
    #[saga_step]
    fn hotel(&self) {}
}

fn main() {}
