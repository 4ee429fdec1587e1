//! Keyed rows with secondary indexes, for read models that are asked by more than their key.
//!
//! ```
//! # #[cfg(feature = "macros")]
//! # {
//! use allframe_cqrs::{Row, Table};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Row, Clone, Serialize, Deserialize)]
//! struct Flight {
//!     #[key]
//!     id: u32,
//!     #[index]
//!     carrier: String,
//!     #[index]
//!     delay_minutes: i32,
//!     #[index(unique)]
//!     tail: Option<String>,
//! }
//!
//! let flight = |id, carrier: &str, delay_minutes, tail: Option<&str>| Flight {
//!     id,
//!     carrier: carrier.to_owned(),
//!     delay_minutes,
//!     tail: tail.map(str::to_owned),
//! };
//! let mut flights = Table::new();
//! flights.insert(flight(1, "AA", 0, Some("N1")))?;
//! flights.insert(flight(2, "UA", 40, None))?;
//! flights.insert(flight(3, "AA", 15, None))?;
//! assert!(flights.insert(flight(4, "DL", 0, Some("N1"))).is_err());
//!
//! flights.update(&1, |flight| flight.delay_minutes = 20)?;
//!
//! assert_eq!(flights.find(Flight::CARRIER, "AA").count(), 2);
//! let late: Vec<u32> = flights.range(Flight::DELAY_MINUTES, 16..).map(|flight| flight.id).collect();
//! assert_eq!(late, [1, 2]);
//! assert_eq!(flights.find_one(Flight::TAIL, "N1").map(|flight| flight.id), Some(1));
//! assert_eq!(flights.find_none(Flight::TAIL).count(), 2);
//! # }
//! # Ok::<_, allframe_cqrs::UniqueViolation>(())
//! ```
//!
//! # What it costs
//!
//! The rows and every index are ordered maps. A row is found by its key, and by a value, in `O(log n)`; what is found is
//! walked at `O(log n)` a row, for each is looked up by its key. A write costs `O(log n)` for the rows and for each index
//! whose value changed. An index keeps a clone of the value once, and a clone of the key for every row.

mod entries;
mod find;
mod index;
mod indexes;
mod range;
mod row;
mod stored;
mod violation;
mod write;

use std::{
    borrow::Borrow,
    collections::{BTreeMap, btree_map},
    fmt,
    ops::RangeBounds,
};

#[doc(hidden)]
pub use entries::IndexEntries;
pub use index::{Index, IndexValue, Multi, Unique};
pub use indexes::RowIndexes;
pub use row::Row;
pub use violation::UniqueViolation;

/// Rows by their key, with the indexes that the row type declares.
///
/// A row is never handed out to be changed in place, so that no index can fall behind: [`update`](Self::update) changes
/// it and its indexes together. (A field with interior mutability, such as a `Cell`, must not be a key or indexed.)
///
/// It is an ordinary serde value, a sequence of its rows in the order of their keys. The indexes are made anew when it is
/// read, so they are persisted, rebuilt and copied with the state of a projection, and to add or to remove one needs no
/// rebuild from the events. A stored table that breaks a uniqueness declared later is an error that names the index and
/// the rows.
///
/// ```
/// # #[cfg(feature = "macros")]
/// # {
/// use allframe_cqrs::{Projection, Row, Table, event};
/// use serde::{Deserialize, Serialize};
///
/// #[event]
/// #[derive(Clone, Serialize, Deserialize)]
/// enum SeatEvent {
///     Taken { seat: String, guest: String },
///     Left { seat: String },
/// }
///
/// #[derive(Row, Clone, Serialize, Deserialize)]
/// struct Seat {
///     #[key]
///     seat: String,
///     #[index]
///     guest: String,
/// }
///
/// #[derive(Clone, Default, Serialize, Deserialize)]
/// struct Hall {
///     seats: Table<Seat>,
/// }
///
/// impl Projection for Hall {
///     type Event = SeatEvent;
///
///     fn apply(&mut self, event: &SeatEvent) {
///         match event.clone() {
///             // No index of a seat is unique, and `upsert` takes the place of a row with the same key.
///             SeatEvent::Taken { seat, guest } => drop(self.seats.upsert(Seat { seat, guest })),
///             SeatEvent::Left { seat } => drop(self.seats.remove(&seat)),
///         }
///     }
/// }
///
/// let mut hall = Hall::default();
/// hall.apply(&SeatEvent::Taken { seat: "B2".into(), guest: "ann".into() });
/// hall.apply(&SeatEvent::Taken { seat: "A1".into(), guest: "ann".into() });
/// let of_ann: Vec<&str> = hall.seats.find(Seat::GUEST, "ann").map(|row| row.seat.as_str()).collect();
/// assert_eq!(of_ann, ["A1", "B2"]);
/// # }
/// ```
pub struct Table<R: Row> {
    rows: BTreeMap<R::Key, R>,
    indexes: R::Indexes,
}

impl<R: Row> Table<R> {
    /// No rows.
    #[must_use]
    pub fn new() -> Self {
        Self { rows: BTreeMap::new(), indexes: R::indexes() }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row with this key. `&str` finds a `String`, as in a map.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<&R>
    where
        R::Key: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.rows.get(key)
    }

    /// Whether there is a row with this key.
    #[must_use]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        R::Key: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.rows.contains_key(key)
    }

    /// All rows in the order of their keys.
    pub fn iter(&self) -> btree_map::Values<'_, R::Key, R> {
        self.rows.values()
    }

    /// The rows whose keys lie in a range, in the order of the keys; none where it ends before it begins.
    pub fn key_range<Q, B>(&self, keys: B) -> impl DoubleEndedIterator<Item = &R> + use<'_, R, Q, B>
    where
        R::Key: Borrow<Q>,
        Q: Ord + ?Sized,
        B: RangeBounds<Q>,
    {
        range::within(&self.rows, keys).map(|(_, row)| row)
    }
}

impl<R: Row> Default for Table<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Row + Clone> Clone for Table<R> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), indexes: self.indexes.clone() }
    }
}

/// The indexes say nothing that the rows do not.
impl<R: Row + fmt::Debug> fmt::Debug for Table<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<R: Row + PartialEq> PartialEq for Table<R> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl<R: Row + Eq> Eq for Table<R> {}

impl<'t, R: Row> IntoIterator for &'t Table<R> {
    type Item = &'t R;
    type IntoIter = btree_map::Values<'t, R::Key, R>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<R: Row> IntoIterator for Table<R> {
    type Item = R;
    type IntoIter = btree_map::IntoValues<R::Key, R>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_values()
    }
}
