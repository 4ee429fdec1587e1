use allframe_cqrs::saga;

struct Trip;

#[saga]
impl Trip {
    #[saga_step]
    fn hotel(&self, _input: &String) {}

    #[saga_step(after(hotle))]
    fn flight(&self) {}
}

fn main() {}
