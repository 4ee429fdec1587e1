use allframe_cqrs::saga;

struct Trip;

#[saga(retries = 2)]
impl Trip {
    #[saga_step]
    fn hotel(&self, _input: &String) {}
}

struct Tour;

#[saga]
impl Tour {
    #[saga_step(retries = 2)]
    fn hotel(&self, _input: &String) {}
}

fn main() {}
