use allframe_cqrs::saga;

struct Trip;

#[saga]
#[saga(version = 2)]
impl Trip {
    #[saga_step]
    fn hotel(&self, _input: &String) {}
}

struct Tour;

#[saga]
impl Tour {
    #[saga_step]
    #[saga_step(max_attempts = 2)]
    fn hotel(&self, _input: &String) {}
}

fn main() {}
