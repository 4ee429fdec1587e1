use allframe_cqrs::saga;

struct Trip;

#[saga]
impl Trip {
    #[saga_step(when = is_wanted)]
    fn visa(&self) -> u32 {
        7
    }

    fn is_wanted(&self, input: &String) -> bool {
        !input.is_empty()
    }

    #[saga_step]
    fn flight(&self, visa: &u32) -> u32 {
        *visa
    }
}

struct Tour;

#[saga]
impl Tour {
    #[saga_step(compensate = free)]
    fn hotel(&self, _input: &String) -> u32 {
        7
    }

    fn free(&self, hotel: &u32, guide: &u32) {
        println!("{hotel} {guide}");
    }

    #[saga_step]
    fn guide(&self) -> u32 {
        7
    }
}

fn main() {}
