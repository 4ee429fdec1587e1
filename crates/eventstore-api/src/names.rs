use std::collections::BinaryHeap;

use crate::{InvalidInput, StreamId};

/// The first names behind `after` in the order of their bytes, at most so many. For backends that keep names in no order:
/// what [`list_snapshots`](crate::EventStoreBackend::list_snapshots) answers.
///
/// It takes memory for the names that are asked for, however many there are.
///
/// ```
/// use eventstore_api::{StreamId, first_names};
///
/// let names = || ["b", "d", "a", "c"].map(|name| StreamId::new(name).unwrap());
/// let page = first_names(names(), None, 2)?;
/// assert_eq!(page, [StreamId::new("a")?, StreamId::new("b")?]);
/// assert_eq!(first_names(names(), page.last(), 2)?, [StreamId::new("c")?, StreamId::new("d")?]);
/// assert!(first_names(names(), None, 0).is_err());
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
///
/// # Errors
///
/// [`InvalidInput::ZeroLimit`] for a limit of zero.
pub fn first_names(
    names: impl IntoIterator<Item = StreamId>,
    after: Option<&StreamId>,
    limit: usize,
) -> Result<Vec<StreamId>, InvalidInput> {
    if limit == 0 {
        return Err(InvalidInput::ZeroLimit);
    }
    // The greatest name is on top, and goes where a lesser one comes.
    let mut first: BinaryHeap<StreamId> = BinaryHeap::new();
    for name in names {
        if after.is_some_and(|after| name <= *after) {
            continue;
        }
        if first.len() < limit {
            first.push(name);
        } else if first.peek().is_some_and(|greatest| name < *greatest) {
            first.pop();
            first.push(name);
        }
    }
    Ok(first.into_sorted_vec())
}
