use allframe_cqrs::saga;

struct Trip;

#[saga(version = 1, version = 2)]
impl Trip {
    #[saga_step]
    fn hotel(&self, _input: &String) {}
}

struct Tour;

#[saga]
impl Tour {
    #[saga_step]
    fn hotel(&self, _input: &String) {}

    #[saga_step(after(hotel), timeout = "1s", after(hotel))]
    fn flight(&self) {}
}

fn main() {}
