use allframe_cqrs::saga;

struct Undoing;

#[saga]
impl Undoing {
    #[saga_step(compensate = free)]
    fn hotel(&self, _input: &String) {}
}

struct Asking;

#[saga]
impl Asking {
    #[saga_step(when = is_wanted)]
    fn hotel(&self, _input: &String) {}
}

struct UndoingWithAStep;

#[saga]
impl UndoingWithAStep {
    #[saga_step(compensate = free)]
    fn hotel(&self, _input: &String) {}

    #[saga_step]
    fn free(&self) {}
}

struct AskingAndWaiting;

#[saga]
impl AskingAndWaiting {
    #[saga_step(when = is_wanted)]
    fn hotel(&self, _input: &String) {}

    async fn is_wanted(&self) -> bool {
        true
    }
}

fn main() {}
