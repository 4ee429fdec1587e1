use allframe_cqrs::saga;

struct Trip;

#[saga(input = String)]
impl Trip {
    #[saga_step]
    fn input(&self) {}
}

fn main() {}
