use std::{borrow::Borrow, collections::BTreeSet, ops::RangeBounds};

use super::{Index, IndexValue, Row, Table, Unique, range::within};

impl<R: Row> Table<R> {
    /// The rows with this value, in the order of their keys. `&str` finds a `String`, as in a map.
    pub fn find<V, Kind, Q>(
        &self,
        index: Index<R, V, Kind>,
        value: &Q,
    ) -> impl DoubleEndedIterator<Item = &R> + use<'_, R, V, Kind, Q>
    where
        V: IndexValue + Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let keys = (index.entries)(&self.indexes).keys.get(value);
        keys.into_iter().flat_map(|keys| self.rows_of(keys))
    }

    /// The row with this value of an index that is unique.
    #[must_use]
    pub fn find_one<V, Q>(&self, index: Index<R, V, Unique>, value: &Q) -> Option<&R>
    where
        V: IndexValue + Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.find(index, value).next()
    }

    /// The rows whose indexed field is `None`, in the order of their keys. No row of an index over a field that is no
    /// `Option`.
    pub fn find_none<V: IndexValue, Kind>(
        &self,
        index: Index<R, V, Kind>,
    ) -> impl DoubleEndedIterator<Item = &R> + use<'_, R, V, Kind> {
        self.rows_of(&(index.entries)(&self.indexes).without)
    }

    /// The rows whose values lie in a range, in the order of the values, those with one value in the order of their keys;
    /// none where the range ends before it begins. `..` is every row that has a value.
    ///
    /// For the range of an index over `String` without making strings, say `(Bound::Included("A"), Bound::Excluded("M"))`.
    pub fn range<V, Kind, Q, B>(
        &self,
        index: Index<R, V, Kind>,
        values: B,
    ) -> impl DoubleEndedIterator<Item = &R> + use<'_, R, V, Kind, Q, B>
    where
        V: IndexValue + Borrow<Q>,
        Q: Ord + ?Sized,
        B: RangeBounds<Q>,
    {
        within(&(index.entries)(&self.indexes).keys, values).flat_map(|(_, keys)| self.rows_of(keys))
    }

    fn rows_of<'t>(&'t self, keys: &'t BTreeSet<R::Key>) -> impl DoubleEndedIterator<Item = &'t R> {
        // Every key of an index is that of a row.
        keys.iter().filter_map(|key| self.rows.get(key))
    }
}
