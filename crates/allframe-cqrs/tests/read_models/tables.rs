//! What a table does at its edges, and that any sequence of operations on it equals the same on rows that are scanned.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{
    marker::PhantomData,
    ops::{Bound, RangeBounds},
    panic::{AssertUnwindSafe, catch_unwind},
};

use allframe_cqrs::{Row, Table, table::IndexValue};
use proptest::{collection, option, prelude::*};
use serde::{Deserialize, Serialize};

#[derive(Row, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[index(name = "route", unique, fields(carrier, gate))]
struct Flight {
    #[key]
    id: u8,
    #[index]
    carrier: String,
    #[index]
    delay: i8,
    #[index(unique)]
    tail: Option<String>,
    #[index(name = "by_gate")]
    gate: Option<u8>,
    note: u8,
}

fn flight(id: u8) -> Flight {
    Flight { id, carrier: format!("C{id}"), delay: 0, tail: None, gate: None, note: 0 }
}

fn table(rows: impl IntoIterator<Item = Flight>) -> Table<Flight> {
    let mut table = Table::new();
    for row in rows {
        table.insert(row).unwrap();
    }
    table
}

fn ids<'r>(rows: impl Iterator<Item = &'r Flight>) -> Vec<u8> {
    rows.map(|row| row.id).collect()
}

#[test]
fn a_row_whose_key_is_taken_is_refused_by_insert() {
    let mut flights = table([flight(1)]);
    let refused = flights.insert(Flight { note: 9, ..flight(1) }).unwrap_err();
    assert_eq!(refused.index, "key");
    assert_eq!(flights.get(&1), Some(&flight(1)));
}

#[test]
fn a_violation_says_the_index_the_value_and_both_rows() {
    let tail = Some("N1".to_owned());
    let mut flights = table([Flight { tail: tail.clone(), ..flight(1) }]);
    let refused = flights.upsert(Flight { tail, ..flight(2) }).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the row 2 cannot be stored: the row 1 has the same \"N1\" in `tail`, which is unique"
    );
    assert_eq!(flights.len(), 1);
}

#[test]
fn a_row_that_changes_its_key_moves_in_every_index() {
    let mut flights = table([flight(1)]);
    assert_eq!(flights.update(&1, |row| row.id = 7).unwrap().unwrap().id, 7);
    assert_eq!(flights.get(&1), None);
    assert_eq!(ids(flights.find(Flight::CARRIER, "C1")), [7]);
    assert_eq!(ids(flights.find_none(Flight::TAIL)), [7]);
}

#[test]
fn a_panic_in_a_change_leaves_the_table_as_it_was() {
    let mut flights = table([flight(1), flight(2)]);
    let changed = catch_unwind(AssertUnwindSafe(|| {
        flights
            .update(&1, |row| {
                row.carrier = "half".to_owned();
                panic!("in the middle");
            })
            .is_ok()
    }));
    assert!(changed.is_err());
    assert_eq!(flights, table([flight(1), flight(2)]));
    assert_eq!(ids(flights.find(Flight::CARRIER, "C1")), [1]);
    assert_eq!(flights.find(Flight::CARRIER, "half").count(), 0);
}

#[test]
fn a_panic_in_retain_leaves_the_table_as_it_was() {
    let mut flights = table([flight(1), flight(2)]);
    let kept = catch_unwind(AssertUnwindSafe(|| {
        flights.retain(|row| if row.id == 2 { panic!("at the second") } else { false });
    }));
    assert!(kept.is_err());
    assert_eq!(flights, table([flight(1), flight(2)]));
}

#[test]
fn a_range_that_ends_before_it_begins_is_empty() {
    let flights = table([flight(1), flight(2)]);
    let backwards = (Bound::Included(2), Bound::Included(1));
    let nowhere = (Bound::Excluded(0), Bound::Excluded(0));
    assert_eq!(flights.key_range(backwards).count(), 0);
    assert_eq!(flights.range(Flight::DELAY, nowhere).count(), 0);
}

#[test]
fn a_range_of_texts_takes_borrowed_bounds() {
    let flights = table([flight(1), flight(2), flight(3)]);
    let range = (Bound::Included("C2"), Bound::Unbounded);
    assert_eq!(ids(flights.range::<_, _, str, _>(Flight::CARRIER, range).rev()), [3, 2]);
}

#[test]
fn a_key_may_be_of_several_fields() {
    #[derive(Row, Clone, Debug, PartialEq)]
    struct Seat {
        #[key]
        row: u32,
        #[key]
        letter: char,
        #[index]
        guest: &'static str,
    }

    let mut seats = Table::new();
    seats.insert(Seat { row: 1, letter: 'B', guest: "ann" }).unwrap();
    seats.insert(Seat { row: 1, letter: 'A', guest: "ann" }).unwrap();
    assert_eq!(seats.get(&(1, 'A')).unwrap().guest, "ann");
    let letters: String = seats.find(Seat::GUEST, "ann").map(|seat| seat.letter).collect();
    assert_eq!(letters, "AB");
}

/// clippy takes what is said twice for a mistake, and this is none.
#[test]
fn two_indexes_may_share_a_field_and_both_be_unique() {
    #[derive(Row, Clone, Debug, PartialEq)]
    #[index(name = "by_seat", unique, fields = [flight, seat])]
    #[index(name = "by_guest", unique, fields = [flight, guest])]
    struct Booking {
        #[key]
        id: u32,
        flight: u32,
        seat: u32,
        guest: &'static str,
    }

    let ann = Booking { id: 1, flight: 7, seat: 1, guest: "ann" };
    let mut bookings = Table::new();
    bookings.insert(ann.clone()).unwrap();
    let twice = Booking { id: 2, seat: 2, ..ann.clone() };
    assert_eq!(bookings.insert(twice).unwrap_err().index, "by_guest");
    let taken = Booking { id: 2, guest: "bob", ..ann.clone() };
    assert_eq!(bookings.insert(taken).unwrap_err().index, "by_seat");
    // What was refused is in neither.
    bookings.insert(Booking { id: 2, seat: 2, guest: "bob", ..ann.clone() }).unwrap();
    assert_eq!(bookings.find_one(Booking::BY_SEAT, &(7, 2)).unwrap().guest, "bob");
    assert_eq!(bookings.find_one(Booking::BY_GUEST, &(7, "ann")), Some(&ann));
}

#[test]
fn a_row_may_have_type_parameters() {
    #[derive(Row, Clone, Debug)]
    struct Tagged<T: IndexValue, const N: usize> {
        #[key]
        id: u64,
        #[index]
        tag: T,
        #[allow(dead_code, reason = "it is there for its length")]
        rest: [u8; N],
    }

    let mut rows = Table::new();
    rows.insert(Tagged { id: 1, tag: 'x', rest: [0; 2] }).unwrap();
    rows.insert(Tagged { id: 2, tag: 'y', rest: [0; 2] }).unwrap();
    let found: Vec<u64> = rows.range(Tagged::TAG, 'y'..).map(|row| row.id).collect();
    assert_eq!(found, [2]);
    assert_eq!(rows.key_range(2..).count(), 1);
}

#[test]
fn a_stored_table_that_breaks_a_uniqueness_declared_later_is_refused_by_index_and_row() {
    let twice = r#"[{"id":1,"carrier":"A","delay":0,"tail":"N1","gate":null,"note":0},
                    {"id":2,"carrier":"B","delay":0,"tail":"N1","gate":null,"note":0}]"#;
    let refused = serde_json::from_str::<Table<Flight>>(twice).unwrap_err().to_string();
    assert!(refused.contains("the row 2") && refused.contains("`tail`"), "{refused}");
}

#[test]
fn an_index_that_is_declared_later_holds_what_was_stored_without_it() {
    #[derive(Row, Serialize, Deserialize)]
    struct Before {
        #[key]
        id: u32,
        carrier: String,
    }

    #[derive(Row, Serialize, Deserialize)]
    struct After {
        #[key]
        id: u32,
        #[index]
        carrier: String,
    }

    let mut before = Table::new();
    before.insert(Before { id: 1, carrier: "AA".into() }).unwrap();
    let stored = serde_json::to_vec(&before).unwrap();
    let after: Table<After> = serde_json::from_slice(&stored).unwrap();
    let found: Vec<u32> = after.find(After::CARRIER, "AA").map(|row| row.id).collect();
    assert_eq!(found, [1]);
}

#[derive(Clone, Debug)]
enum Operation {
    Insert(Flight),
    Upsert(Flight),
    Update(u8, Flight),
    Remove(u8),
    RetainDelayed(i8),
    Clear,
}

/// Few values of everything, so that they collide.
fn flights() -> impl Strategy<Value = Flight> {
    (0..8u8, 0..3u8, -2..3i8, option::of(0..6u8), option::of(0..3u8), any::<u8>()).prop_map(
        |(id, carrier, delay, tail, gate, note)| Flight {
            id,
            carrier: format!("C{carrier}"),
            delay,
            tail: tail.map(|tail| format!("N{tail}")),
            gate,
            note,
        },
    )
}

fn operations() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => flights().prop_map(Operation::Insert),
        6 => flights().prop_map(Operation::Upsert),
        6 => (0..8u8, flights()).prop_map(|(id, row)| Operation::Update(id, row)),
        3 => (0..8u8).prop_map(Operation::Remove),
        1 => (-2..3i8).prop_map(Operation::RetainDelayed),
        1 => Just(Operation::Clear),
    ]
}

/// Rows without any index, which are scanned.
#[derive(Default)]
struct Scanned(Vec<Flight>);

impl Scanned {
    /// Puts a row in place of another, if there is room for it; which index has none, otherwise.
    fn put(&mut self, replaced: Option<u8>, row: Flight) -> Result<(), &'static str> {
        let others = || self.0.iter().filter(|other| Some(other.id) != replaced);
        if others().any(|other| other.id == row.id) {
            return Err("key");
        }
        if row.tail.is_some() && others().any(|other| other.tail == row.tail) {
            return Err("tail");
        }
        if others().any(|other| (&other.carrier, other.gate) == (&row.carrier, row.gate)) {
            return Err("route");
        }
        self.0.retain(|other| Some(other.id) != replaced);
        self.0.push(row);
        self.0.sort_by_key(|row| row.id);
        Ok(())
    }

    fn get(&self, id: u8) -> Option<Flight> {
        self.0.iter().find(|row| row.id == id).cloned()
    }

    fn ids(&self, wanted: impl Fn(&Flight) -> bool) -> Vec<u8> {
        ids(self.0.iter().filter(|row| wanted(row)))
    }
}

/// Does the same to both; what they answer is the same.
fn both(table: &mut Table<Flight>, scanned: &mut Scanned, operation: Operation) {
    match operation {
        Operation::Insert(row) => {
            let put = scanned.put(None, row.clone());
            assert_eq!(table.insert(row).map_err(|refused| refused.index), put);
        }
        Operation::Upsert(row) => {
            let before = scanned.get(row.id);
            let put = scanned.put(Some(row.id), row.clone()).map(|()| before);
            assert_eq!(table.upsert(row).map_err(|refused| refused.index), put);
        }
        Operation::Update(id, row) => {
            let expected = match scanned.get(id) {
                Some(_) => scanned.put(Some(id), row.clone()).map(|()| Some(row.clone())),
                None => Ok(None),
            };
            let updated = table.update(&id, |changed| *changed = row);
            assert_eq!(updated.map(Option::<&Flight>::cloned).map_err(|refused| refused.index), expected);
        }
        Operation::Remove(id) => {
            let before = scanned.get(id);
            scanned.0.retain(|row| row.id != id);
            assert_eq!(table.remove(&id), before);
        }
        Operation::RetainDelayed(delay) => {
            scanned.0.retain(|row| row.delay >= delay);
            table.retain(|row| row.delay >= delay);
        }
        Operation::Clear => {
            scanned.0.clear();
            table.clear();
        }
    }
}

/// Whatever can be asked is answered as scanning answers it.
fn same(table: &Table<Flight>, scanned: &Scanned) {
    assert_eq!(table.iter().cloned().collect::<Vec<_>>(), scanned.0);
    assert_eq!((table.len(), table.is_empty()), (scanned.0.len(), scanned.0.is_empty()));
    for number in 0..8u8 {
        let (carrier, tail) = (format!("C{number}"), format!("N{number}"));
        assert_eq!(table.get(&number), scanned.get(number).as_ref());
        assert_eq!(
            ids(table.find(Flight::CARRIER, carrier.as_str())),
            scanned.ids(|row| row.carrier == carrier)
        );
        let of_tail = scanned.ids(|row| row.tail.as_ref() == Some(&tail));
        assert_eq!(table.find_one(Flight::TAIL, tail.as_str()).map(|row| row.id), of_tail.first().copied());
        assert_eq!(ids(table.find(Flight::BY_GATE, &number)), scanned.ids(|row| row.gate == Some(number)));
        let route = (carrier, Some(number));
        let of_route = scanned.ids(|row| row.carrier == route.0 && row.gate == route.1);
        assert_eq!(ids(table.find(Flight::ROUTE, &route)), of_route);
        assert_eq!(ids(table.key_range(number..)), scanned.ids(|row| row.id >= number));
    }
    assert_eq!(ids(table.find_none(Flight::TAIL)), scanned.ids(|row| row.tail.is_none()));
    assert_eq!(ids(table.find_none(Flight::BY_GATE)), scanned.ids(|row| row.gate.is_none()));
    assert_eq!(table.find_none(Flight::DELAY).count(), 0);
    for low in -3..3i8 {
        for high in -3..3i8 {
            same_range(table, scanned, low..high);
            same_range(table, scanned, low..=high);
            same_range(table, scanned, (Bound::Excluded(low), Bound::Excluded(high)));
        }
        same_range(table, scanned, low..);
        same_range(table, scanned, ..low);
    }
}

fn same_range(table: &Table<Flight>, scanned: &Scanned, range: impl RangeBounds<i8> + Clone) {
    let mut expected: Vec<(i8, u8)> =
        scanned.0.iter().filter(|row| range.contains(&row.delay)).map(|row| (row.delay, row.id)).collect();
    expected.sort_unstable();
    let forwards: Vec<(i8, u8)> =
        table.range(Flight::DELAY, range.clone()).map(|row| (row.delay, row.id)).collect();
    assert_eq!(forwards, expected);
    let backwards: Vec<(i8, u8)> =
        table.range(Flight::DELAY, range).rev().map(|row| (row.delay, row.id)).collect();
    expected.reverse();
    assert_eq!(backwards, expected);
}

proptest! {
    #[test]
    fn a_table_answers_as_scanned_rows_do_also_after_it_was_stored(
        operations in collection::vec(operations(), 0..40),
    ) {
        let (mut table, mut scanned) = (Table::new(), Scanned::default());
        for operation in operations {
            both(&mut table, &mut scanned, operation);
            same(&table, &scanned);
        }
        let json = serde_json::to_vec(&table).unwrap();
        prop_assert_eq!(&json, &serde_json::to_vec(&scanned.0).unwrap(), "rows in the order of their keys");
        same(&serde_json::from_slice(&json).unwrap(), &scanned);
        let bincode = eventstore_codec::encode_payload(&table).unwrap();
        same(&eventstore_codec::decode_payload(PhantomData, &bincode).unwrap(), &scanned);
        same(&table.clone(), &scanned);
    }
}

macro_rules! row_by_a_macro {
    ($name:ident { $($field:ident: $type:ty),* }) => {
        #[derive(Row)]
        struct $name {
            #[key]
            id: u64,
            $(#[index(unique)] $field: $type,)*
        }
    };
}
row_by_a_macro!(ByAMacro { mail: Option<String> });

#[test]
fn a_row_may_come_out_of_a_macro() {
    let mut table = Table::new();
    table.insert(ByAMacro { id: 1, mail: None }).unwrap();
    table.insert(ByAMacro { id: 2, mail: None }).unwrap();
    table.insert(ByAMacro { id: 3, mail: Some("ann".to_owned()) }).unwrap();
    assert_eq!(table.find_one(ByAMacro::MAIL, "ann").map(|row| row.id), Some(3));
}
