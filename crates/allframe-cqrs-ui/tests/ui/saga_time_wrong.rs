use allframe_cqrs::saga;

struct Trip;

#[saga(timeout = "two hours")]
impl Trip {
    #[saga_step]
    fn hotel(&self, _input: &String) {}
}

struct Tour;

#[saga]
impl Tour {
    #[saga_step(timeout = 30)]
    fn hotel(&self, _input: &String) {}
}

struct Hike;

#[saga]
impl Hike {
    #[saga_step(timeout = "0s")]
    fn hotel(&self, _input: &String) {}
}

fn main() {}
