//! What a store does, said as simply as it can be: the measure that backends are held against.

mod reference_backend;
mod sequential;

pub use reference_backend::ReferenceBackend;
pub use sequential::{Model, Spacing};
