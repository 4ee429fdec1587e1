//! What has changed between two schemas, in words.

use allframe_cqrs::{
    schema::differences,
    schemars::{self, JsonSchema},
};
use insta::assert_snapshot;
use serde::{Deserialize, Serialize};

use crate::compatibility::written;

mod before {
    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub(super) struct Order {
        number: u32,
        buyer: String,
        note: Option<String>,
        to: Address,
        lines: Vec<Line>,
        state: State,
        paid: Payment,
        size: (u8, u8),
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Address {
        street: String,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Line {
        article: u32,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    enum State {
        Open,
        Shipped,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(tag = "by")]
    enum Payment {
        Cash { till: u8 },
        Card { number: String },
    }
}

mod after {
    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub(super) struct Order {
        number: u64,
        note: String,
        to: Address,
        lines: Vec<Line>,
        state: State,
        paid: Payment,
        size: (u8, u8, u8),
        #[serde(skip_serializing_if = "Option::is_none")]
        coupon: Option<String>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Address {
        street: String,
        zip: u16,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Line {
        article: String,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    enum State {
        Open,
        Sent,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(tag = "by")]
    enum Payment {
        Cash { till: u16 },
        Cheque { bank: String },
    }
}

fn told<Earlier: JsonSchema, Later: JsonSchema>() -> String {
    let found = differences(&written::<Earlier>(), &written::<Later>());
    found.iter().map(|difference| format!("{difference}\n")).collect()
}

#[test]
fn all_that_has_changed_is_told_place_by_place() {
    assert_snapshot!(told::<before::Order, after::Order>(), @r#"
    `/buyer` was removed; it was string
    `/coupon` was added: string or null, may be left out
    `/lines/*/article` was integer (uint32) and is string
    `/note` was string or null and is string
    `/number` was integer (uint32) and is integer (uint64)
    `/paid` has no variant `Card` any more
    `/paid/till` was integer (uint8) and is integer (uint16)
    `/paid` has a new variant `Cheque`
    `/size` was array with a length of 2 and is array with a length of 3
    `/state` is no longer "Shipped"
    `/state` may now be "Sent"
    `/to/zip` was added: integer (uint16)
    "#);
}

#[test]
fn the_way_back_is_told_the_other_way_round() {
    assert_snapshot!(told::<after::Order, before::Order>(), @r#"
    `/coupon` was removed; it was string or null, may be left out
    `/buyer` was added: string
    `/lines/*/article` was string and is integer (uint32)
    `/note` was string and is string or null
    `/number` was integer (uint64) and is integer (uint32)
    `/paid` has no variant `Cheque` any more
    `/paid/till` was integer (uint16) and is integer (uint8)
    `/paid` has a new variant `Card`
    `/size` was array with a length of 3 and is array with a length of 2
    `/state` is no longer "Sent"
    `/state` may now be "Shipped"
    `/to/zip` was removed; it was integer (uint16)
    "#);
}

#[test]
fn the_same_schema_has_not_changed() {
    assert_eq!(told::<before::Order, before::Order>(), "");
}

#[test]
fn a_type_that_is_nested_in_itself_is_compared_once() {
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Tree {
        value: u8,
        below: Vec<Tree>,
    }
    mod later {
        use super::*;
        #[derive(Serialize, Deserialize, JsonSchema)]
        pub(super) struct Tree {
            value: u16,
            below: Vec<Tree>,
        }
    }
    assert_snapshot!(told::<Tree, later::Tree>(), @"`/value` was integer (uint8) and is integer (uint16)");
}
