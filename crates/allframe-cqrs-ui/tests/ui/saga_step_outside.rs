use allframe_cqrs::saga_step;

struct Trip;

impl Trip {
    #[saga_step(timeout = "30s")]
    async fn hotel(&self, _input: &String) {}
}

#[saga_step]
fn hotel() {}

fn main() {
    let _ = Trip.hotel(&String::new());
    hotel();
}
