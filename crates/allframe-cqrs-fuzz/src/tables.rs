//! Keyed read models as they are stored: rows, of which the indexes are made anew.

use allframe_cqrs::{Row, Table};
use serde::{Deserialize, Serialize};

use crate::target::{Finding, Outcome, ensure, must};

#[derive(Row, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[index(name = "route", fields = [from, to])]
struct Flight {
    #[key]
    id: u32,
    #[index]
    delay: i64,
    #[index(unique)]
    tail: Option<String>,
    from: String,
    to: String,
}

/// The input: a table in JSON.
pub(crate) fn read(data: &[u8]) -> Result<Outcome, Finding> {
    let Ok(table) = serde_json::from_slice::<Table<Flight>>(data) else { return Ok(Outcome::Refused) };
    for row in table.iter() {
        let found =
            |which: &str, is_there: bool| ensure(is_there, || format!("{row:?} is not there by {which}"));
        found("its key", table.get(&row.id) == Some(row))?;
        found("its delay", table.find(Flight::DELAY, &row.delay).any(|it| it == row))?;
        let route = (row.from.clone(), row.to.clone());
        found("its route", table.find(Flight::ROUTE, &route).any(|it| it == row))?;
        found(
            "its tail",
            match &row.tail {
                Some(tail) => table.find_one(Flight::TAIL, tail.as_str()) == Some(row),
                None => table.find_none(Flight::TAIL).any(|it| it == row),
            },
        )?;
    }
    let by_delay = table.range(Flight::DELAY, ..).count();
    ensure(by_delay == table.len(), || format!("{by_delay} of {} rows have a delay", table.len()))?;
    let text = must("writing what was read", serde_json::to_vec(&table))?;
    let again: Table<Flight> = must("reading what was written", serde_json::from_slice(&text))?;
    ensure(again == table, || "written and read again it is another one".to_owned())?;
    Ok(Outcome::Read)
}

pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let row =
        |id: u32, tail: &str| format!(r#"{{"id":{id},"delay":-2,"tail":{tail},"from":"EWR","to":"IAH"}}"#);
    let table = |rows: &[String]| format!("[{}]", rows.join(",")).into_bytes();
    vec![
        ("empty", table(&[])),
        ("rows", table(&[row(1, r#""N14228""#), row(2, "null"), row(3, "null"), row(4, r#""ß""#)])),
        ("twice", table(&[row(1, "null"), row(1, "null")])),
        ("not-unique", table(&[row(1, r#""N14228""#), row(2, r#""N14228""#)])),
    ]
}
