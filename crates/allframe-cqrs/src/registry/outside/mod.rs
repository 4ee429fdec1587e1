mod error;
mod projection;
mod registration;
mod running;
mod sink;

pub use error::OutsideError;
pub use projection::{OutsideBatch, OutsideProjection};
pub use registration::OutsideRegistration;
