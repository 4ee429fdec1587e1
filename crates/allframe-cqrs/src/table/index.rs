use std::{
    fmt::{self, Debug},
    marker::PhantomData,
};

use super::{IndexEntries, Row};

/// What an index is ordered by. Everything that can be ordered, cloned and shown, and borrows
/// nothing, is one. A float is not, which the compiler says where a row has an index over one:
///
/// ```compile_fail,E0277
/// #[derive(allframe_cqrs::Row)]
/// struct Flight {
///     #[key]
///     id: u32,
///     #[index]
///     delay: f64,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be indexed",
    note = "what is indexed is `Ord + Clone + Debug`; a float has no total order"
)]
pub trait IndexValue: Ord + Clone + Debug + 'static {}

// Without it the compiler names a trait of the standard library, and not what is to be done.
#[diagnostic::do_not_recommend]
impl<V: Ord + Clone + Debug + 'static> IndexValue for V {}

/// Any number of rows may have the same value.
#[derive(Clone, Copy, Debug)]
pub enum Multi {}

/// No two rows have the same value; any number may have none.
#[derive(Clone, Copy, Debug)]
pub enum Unique {}

/// An index of a row type, by which a table is asked: for `#[index] carrier`, the derive makes `Flight::CARRIER`.
///
/// `V` is what rows are looked up by. For a field `Option<T>` it is `T`: a row without it is in none of the ranges, and is
/// found with [`find_none`](super::Table::find_none).
pub struct Index<R: Row, V, Kind = Multi> {
    pub(super) name: &'static str,
    pub(super) value: fn(&R) -> Option<V>,
    pub(super) entries: fn(&R::Indexes) -> &IndexEntries<R, V>,
    kind: PhantomData<fn() -> Kind>,
}

impl<R: Row, V, Kind> Index<R, V, Kind> {
    /// What it is called in errors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    #[doc(hidden)]
    pub const fn declared(
        name: &'static str,
        value: fn(&R) -> Option<V>,
        entries: fn(&R::Indexes) -> &IndexEntries<R, V>,
    ) -> Self
    where
        V: IndexValue,
    {
        Self { name, value, entries, kind: PhantomData }
    }
}

impl<R: Row, V> Index<R, V, Multi> {
    #[doc(hidden)]
    #[must_use]
    pub fn empty(self) -> IndexEntries<R, V> {
        IndexEntries::multi(self.name, self.value)
    }
}

impl<R: Row, V> Index<R, V, Unique> {
    #[doc(hidden)]
    #[must_use]
    pub fn empty(self) -> IndexEntries<R, V> {
        IndexEntries::unique(self.name, self.value)
    }
}

impl<R: Row, V, Kind> Clone for Index<R, V, Kind> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Row, V, Kind> Copy for Index<R, V, Kind> {}

impl<R: Row, V, Kind> fmt::Debug for Index<R, V, Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Index").field(&self.name).finish()
    }
}
