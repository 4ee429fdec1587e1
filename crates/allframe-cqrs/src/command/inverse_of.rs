use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use crate::{Command, Invertible};

/// A type of commands, of which a macro asks what undoes them: the compiler takes the first of the two traits that fits.
///
/// `(&InverseOf::<C>::new()).visit(visitor)`, with both traits in scope, is `None` where `C` is not [`Invertible`]. `C` is a type
/// that stands there as such: of a type parameter, the compiler does not know yet what it implements.
#[doc(hidden)]
#[derive(Debug)]
pub struct InverseOf<C>(PhantomData<fn(&C)>);

impl<C> InverseOf<C> {
    #[must_use]
    #[allow(clippy::new_without_default, reason = "macros alone make one")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// Takes the type of an inverse in, with how it is made of a command. Whoever has only the type of the command can then keep, as
/// functions without it, all that becomes of the inverse: its dispatch, and how it is written and read.
#[doc(hidden)]
pub trait InverseVisitor<C> {
    type Output;

    fn visit<I>(self, inverse: fn(&C) -> I) -> Self::Output
    where
        I: Command + Clone + Serialize + DeserializeOwned;
}

/// What the inverse must be is asked where it is visited, not by the choice between the traits: a command whose inverse cannot be
/// stored is an error of the compiler, and does not pass for one without an inverse.
#[doc(hidden)]
pub trait OfInvertible<C: Invertible> {
    fn visit<V: InverseVisitor<C>>(&self, visitor: V) -> Option<V::Output>
    where
        C::Inverse: Clone + Serialize + DeserializeOwned;
}

impl<C: Invertible> OfInvertible<C> for InverseOf<C> {
    fn visit<V: InverseVisitor<C>>(&self, visitor: V) -> Option<V::Output>
    where
        C::Inverse: Clone + Serialize + DeserializeOwned,
    {
        Some(visitor.visit(C::inverse))
    }
}

#[doc(hidden)]
pub trait OfAnyCommand<C> {
    fn visit<V: InverseVisitor<C>>(&self, visitor: V) -> Option<V::Output>;
}

impl<C> OfAnyCommand<C> for &InverseOf<C> {
    fn visit<V: InverseVisitor<C>>(&self, _: V) -> Option<V::Output> {
        None
    }
}
