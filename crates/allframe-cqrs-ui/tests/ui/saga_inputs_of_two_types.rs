use allframe_cqrs::saga;

struct Trip;

#[saga]
impl Trip {
    #[saga_step]
    fn hotel(&self, _input: &String) {}

    #[saga_step]
    fn flight(&self, _input: &u32) {}
}

struct Tour;

#[saga(input = String)]
impl Tour {
    #[saga_step]
    fn flight(&self, _input: &u32) {}
}

fn main() {}
