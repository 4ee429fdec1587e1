//! Every case under the name of its group.

pub use crate::{history::cases as histories, laws::*, state_machine::cases as state_machine};
