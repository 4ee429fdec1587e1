use allframe_cqrs::saga;

struct Trip;

#[saga]
impl Trip {
    #[saga_step]
    unsafe fn hotel(&self, _input: &String) {}
}

struct Tour;

#[saga]
impl Tour {
    #[saga_step]
    fn hotel<T>(&self, _input: &String) {}
}

fn main() {}
