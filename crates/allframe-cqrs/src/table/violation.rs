use std::fmt::Debug;

/// A row that another row leaves no room for. The table is as it was before.
///
/// In a projection it means that the events say what the read model holds impossible: return it from
/// `Projection::try_apply`, so that the fault policy decides, or make the index one that is not unique.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the row {row} cannot be stored: the row {taken_by} has the same {value} in `{index}`, which is unique"
)]
#[non_exhaustive]
pub struct UniqueViolation {
    /// The index, or `key` where it is the key that is taken.
    pub index: &'static str,
    /// The value that both rows have, as `Debug` shows it.
    pub value: String,
    /// The key of the row that was refused, as `Debug` shows it.
    pub row: String,
    /// The key of the row that is there, as `Debug` shows it.
    pub taken_by: String,
}

impl UniqueViolation {
    pub(super) fn new<V: Debug, K: Debug>(index: &'static str, value: &V, row: &K, taken_by: &K) -> Self {
        Self {
            index,
            value: format!("{value:?}"),
            row: format!("{row:?}"),
            taken_by: format!("{taken_by:?}"),
        }
    }

    pub(super) fn of_key<K: Debug>(key: &K) -> Self {
        Self::new("key", key, key, key)
    }
}
