use allframe_cqrs::saga;

struct Trip;

#[saga]
impl Trip {
    #[saga_step]
    fn hotel(&self, _input: &String) -> u32 {
        7
    }

    #[saga_step]
    fn flight(&self, hotle: &u32) -> u32 {
        *hotle
    }
}

struct Tour;

#[saga]
impl Tour {
    #[saga_step]
    fn hotel(&self, (_, _): &(u32, u32)) {}
}

fn main() {}
