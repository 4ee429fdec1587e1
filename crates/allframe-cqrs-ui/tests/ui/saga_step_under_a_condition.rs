use allframe_cqrs::saga;

struct Trip;

#[saga]
impl Trip {
    #[saga_step]
    #[cfg(unix)]
    fn hotel(&self, _input: &String) {}
}

fn main() {}
