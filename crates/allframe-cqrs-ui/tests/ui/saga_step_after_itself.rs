use allframe_cqrs::saga;

struct Trip;

#[saga]
impl Trip {
    #[saga_step]
    fn hotel(&self, _input: &String, hotel: &u32) -> u32 {
        *hotel
    }
}

struct Tour;

#[saga]
impl Tour {
    #[saga_step(after(hotel))]
    fn hotel(&self, _input: &String) {}
}

struct Hike;

#[saga]
impl Hike {
    #[saga_step(when = is_done)]
    fn hotel(&self, _input: &String) {}

    fn is_done(&self, _hotel: Option<&()>) -> bool {
        true
    }
}

fn main() {}
