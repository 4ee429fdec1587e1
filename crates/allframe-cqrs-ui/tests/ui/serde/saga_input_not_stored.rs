use allframe_cqrs::saga;

struct Room;

struct Trip;

#[saga]
impl Trip {
    #[saga_step]
    fn hotel(&self, _input: &Room) {}
}

fn main() {}
