use std::{
    borrow::Borrow,
    collections::BTreeMap,
    ops::{Bound, RangeBounds},
};

/// The entries in a range. `BTreeMap::range` panics at a range that ends before it begins; here it holds nothing.
pub(super) fn within<'m, K, V, Q, B>(
    map: &'m BTreeMap<K, V>,
    range: B,
) -> impl DoubleEndedIterator<Item = (&'m K, &'m V)> + use<'m, K, V, Q, B>
where
    K: Ord + Borrow<Q>,
    Q: Ord + ?Sized,
    B: RangeBounds<Q>,
{
    let (start, end) = (range.start_bound(), range.end_bound());
    (!is_inverted(start, end)).then(|| map.range::<Q, _>((start, end))).into_iter().flatten()
}

fn is_inverted<Q: Ord + ?Sized>(start: Bound<&Q>, end: Bound<&Q>) -> bool {
    match (start, end) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Excluded(start), Bound::Excluded(end)) => start >= end,
        (Bound::Included(start) | Bound::Excluded(start), Bound::Included(end) | Bound::Excluded(end)) => {
            start > end
        }
    }
}
