use super::Registration;
use crate::Projection;

/// A projection with a name and a version, as `#[projection]` gives them to it.
pub trait NamedProjection: Projection + Sized + 'static {
    /// The name of the read model, in all its versions.
    const NAME: &'static str;
    /// The version of what `apply` does and of what the state holds, from 1.
    const VERSION: u32;

    /// How it is run.
    fn registration() -> Registration<Self>;
}
