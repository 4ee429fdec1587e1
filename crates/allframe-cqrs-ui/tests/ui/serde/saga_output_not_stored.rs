use allframe_cqrs::{saga, saga::StepError};

struct Room;

struct Trip;

#[saga(input = String)]
impl Trip {
    #[saga_step]
    async fn hotel(&self) -> Result<Room, StepError> {
        Ok(Room)
    }
}

fn main() {}
