use allframe_cqrs::saga;

struct OfInput;

#[saga]
impl OfInput {
    #[saga_step]
    fn hotel(&self, _input: String) {}
}

struct OfOutput;

#[saga]
impl OfOutput {
    #[saga_step]
    fn hotel(&self, _input: &String) -> u32 {
        7
    }

    #[saga_step]
    fn flight(&self, _hotel: u32) {}
}

struct OfPerhapsAnOutput;

#[saga]
impl OfPerhapsAnOutput {
    #[saga_step]
    fn hotel(&self, _input: &String) -> u32 {
        7
    }

    #[saga_step]
    fn flight(&self, _hotel: Option<u32>) {}
}

struct Exclusive;

#[saga]
impl Exclusive {
    #[saga_step]
    fn hotel(&self, _input: &mut String) {}
}

struct OfItself;

#[saga]
impl OfItself {
    #[saga_step]
    fn hotel(self, _input: &String) {}
}

fn main() {}
