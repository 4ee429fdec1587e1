use allframe_cqrs::saga;

struct Unreadable;

struct Trip;

#[saga(input = String)]
impl Trip {
    #[saga_step]
    async fn flight(&self) -> Result<u32, Unreadable> {
        Ok(7)
    }

    #[saga_step(when = how_often, compensate = free)]
    async fn ticket(&self) {}

    fn how_often(&self) -> u32 {
        7
    }

    fn free(&self) -> u32 {
        7
    }
}

fn main() {}
