//! What handlers need beside their command: given to a bus by type, and found by type when the bus is built.

mod build_error;
mod dependencies;
mod install;

pub(crate) use build_error::built;
pub use build_error::{BuildError, BuildProblem};
pub(crate) use dependencies::Dependencies;
pub use dependencies::{Given, Injected, Resolver};
pub(crate) use install::{Handled, Installs};
