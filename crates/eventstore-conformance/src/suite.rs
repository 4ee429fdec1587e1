//! Every case under the name of its group.

pub use crate::laws::*;
