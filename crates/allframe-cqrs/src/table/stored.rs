//! A table as a serde value: its rows in the order of their keys, so that equal tables are equal bytes.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};

use super::{Row, Table};

impl<R: Row + Serialize> Serialize for Table<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<'de, R: Row + Deserialize<'de>> Deserialize<'de> for Table<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Rows(PhantomData))
    }
}

struct Rows<R>(PhantomData<R>);

impl<'de, R: Row + Deserialize<'de>> Visitor<'de> for Rows<R> {
    type Value = Table<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rows of a table")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Table<R>, A::Error> {
        let mut table = Table::new();
        while let Some(row) = rows.next_element()? {
            table.insert(row).map_err(A::Error::custom)?;
        }
        Ok(table)
    }
}
