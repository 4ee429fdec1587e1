use allframe_cqrs::{
    saga,
    saga::{StepContext, StepError},
};

struct Trip;

#[saga]
impl Trip {
    #[saga_step(compensate = free)]
    async fn hotel(&self, input: &String) -> Result<u32, StepError> {
        input.parse().map_err(StepError::rejected)
    }

    async fn free(&self, hotel: Option<&u8>) -> Result<(), StepError> {
        println!("{hotel:?}");
        Ok(())
    }

    #[saga_step(when = is_wanted)]
    async fn flight(&self, hotel: &u64) -> Result<(), StepError> {
        println!("{hotel}");
        Ok(())
    }

    fn is_wanted(&self, hotel: &bool) -> bool {
        *hotel
    }

    #[saga_step]
    async fn ticket(&self, flight: Option<&u8>, _context: &StepContext<u8>) -> Result<(), StepError> {
        println!("{flight:?}");
        Ok(())
    }
}

fn main() {}
