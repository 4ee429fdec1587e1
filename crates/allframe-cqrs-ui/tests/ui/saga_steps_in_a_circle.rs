use allframe_cqrs::saga;

struct Trip;

#[saga]
impl Trip {
    #[saga_step]
    fn pay(&self, _input: &String, hotel: &u32) -> u32 {
        *hotel
    }

    #[saga_step]
    fn hotel(&self, flight: &u32) -> u32 {
        *flight
    }

    #[saga_step(when = is_wanted)]
    fn flight(&self) -> u32 {
        7
    }

    fn is_wanted(&self, visa: &u32) -> bool {
        *visa == 7
    }

    #[saga_step(after(hotel))]
    fn visa(&self) -> u32 {
        7
    }
}

struct Tour;

#[saga]
impl Tour {
    #[saga_step]
    fn pay(&self, _input: &String) -> u32 {
        7
    }

    #[saga_step]
    fn hotel(&self, pay: &u32, flight: Option<&u32>) -> u32 {
        *pay + flight.copied().unwrap_or_default()
    }

    #[saga_step(after(visa))]
    fn flight(&self) -> u32 {
        7
    }

    #[saga_step]
    fn visa(&self, hotel: &u32) -> u32 {
        *hotel
    }
}

fn main() {}
