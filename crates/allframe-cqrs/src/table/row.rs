use std::fmt::Debug;

use super::RowIndexes;

/// What a [`Table`](super::Table) holds. Derive it: `#[derive(Row)]` reads `#[key]` and `#[index]` on the fields.
///
/// By hand it is a row without indexes:
///
/// ```
/// use allframe_cqrs::{Row, Table};
///
/// struct Airport { code: String, name: String }
///
/// impl Row for Airport {
///     type Key = String;
///     type Indexes = ();
///
///     fn key(&self) -> String { self.code.clone() }
///     fn indexes() {}
/// }
///
/// let mut airports = Table::new();
/// airports.insert(Airport { code: "EWR".into(), name: "Newark".into() })?;
/// assert_eq!(airports.get("EWR").unwrap().name, "Newark");
/// # Ok::<_, allframe_cqrs::UniqueViolation>(())
/// ```
pub trait Row: Sized {
    /// What a row is told by. Two rows of a table never have the same.
    type Key: Ord + Clone + Debug;

    /// The contents of its indexes, one in another: `(first, (second, ()))`.
    type Indexes: RowIndexes<Self>;

    /// The key of this row: a function of its fields alone.
    fn key(&self) -> Self::Key;

    /// Every index, empty.
    fn indexes() -> Self::Indexes;
}
