#![allow(unused_imports)]

use allframe_cqrs::{Command, InverseOf, InverseVisitor, OfAnyCommand as _, OfInvertible as _, command};
use serde::{Serialize, de::DeserializeOwned};

#[command(inverse = Release { seats })]
struct Hold {
    seats: u32,
}

#[command]
struct Release {
    seats: u32,
}

struct Name;

impl<C> InverseVisitor<C> for Name {
    type Output = &'static str;

    fn visit<I: Command + Clone + Serialize + DeserializeOwned>(self, _: fn(&C) -> I) -> &'static str {
        I::name()
    }
}

fn main() {
    let _ = (&InverseOf::<Hold>::new()).visit(Name);
}
