use allframe_cqrs::saga;

struct Trip<'a>(&'a str);

#[saga]
impl<'a> Trip<'a> {
    #[saga_step]
    fn hotel(&self, input: &String) -> usize {
        self.0.len() + input.len()
    }
}

fn main() {}
