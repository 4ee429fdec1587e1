use allframe_cqrs::saga;

struct Trip;

#[saga]
impl Clone for Trip {
    fn clone(&self) -> Self {
        Trip
    }
}

fn main() {}
