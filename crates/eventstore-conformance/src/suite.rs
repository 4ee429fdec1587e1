//! Every case under the name of its group.

pub use crate::{laws::*, state_machine::cases as state_machine};
