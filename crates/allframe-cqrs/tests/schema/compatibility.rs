//! What is read of what is written, for all that serde and schemars make of Rust types.

use std::collections::{BTreeMap, BTreeSet};

use allframe_cqrs::{
    schema::{CompatibilityMode, Finding, incompatibilities},
    schemars::{self, JsonSchema, generate::SchemaSettings},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What values of a type are written as.
pub(crate) fn written<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}

/// What values of a type are read from.
pub(crate) fn read<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>().to_value()
}

/// What is wrong where the one reads the other.
fn wrong<Reader: JsonSchema, Writer: JsonSchema>() -> Vec<String> {
    told(&incompatibilities(&read::<Reader>(), &written::<Writer>()))
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

/// Types of different programs that have the same name.
macro_rules! types {
    ($($module:ident { $($item:item)* })*) => {
        $(mod $module {
            #![allow(unused_imports, unreachable_pub, dead_code)]
            use super::*;
            $(#[derive(Serialize, Deserialize, JsonSchema)] $item)*
        })*
    };
}

const NOTHING: [&str; 0] = [];

types! {
    amount { pub struct T { pub amount: u32 } }
    amount_and_note { pub struct T { pub amount: u32, pub note: Option<String> } }
    amount_and_default { pub struct T { pub amount: u32, #[serde(default)] pub note: String } }
    amount_and_currency { pub struct T { pub amount: u32, pub currency: String } }
    strict { #[serde(deny_unknown_fields)] pub struct T { pub amount: u32 } }
    sparse { pub struct T { pub amount: u32, #[serde(skip_serializing_if = "Option::is_none")] pub note: Option<String> } }
    empty { pub struct T {} }
    optional_only { pub struct T { pub why: Option<String> } }
}

#[test]
fn a_required_field_that_was_never_written_is_found() {
    assert_eq!(
        wrong::<amount_and_currency::T, amount::T>(),
        ["`/currency` is required to read it, and was never written"]
    );
}

#[test]
fn an_optional_field_and_one_with_a_default_may_come_in_addition() {
    assert_eq!(wrong::<amount_and_note::T, amount::T>(), NOTHING);
    assert_eq!(wrong::<amount_and_default::T, amount::T>(), NOTHING);
    assert_eq!(wrong::<optional_only::T, empty::T>(), NOTHING);
}

#[test]
fn a_field_that_is_gone_is_passed_over_unless_unknown_fields_are_denied() {
    assert_eq!(wrong::<amount::T, amount_and_currency::T>(), NOTHING);
    assert_eq!(
        wrong::<strict::T, amount_and_currency::T>(),
        ["`/currency` is written, and unknown fields are denied where it is read"]
    );
}

/// A field that may be null is always written, and need not be there to be read: only one of the two contracts says so.
#[test]
fn each_side_is_taken_by_its_own_contract() {
    assert_eq!(written::<amount_and_note::T>()["required"], json!(["amount", "note"]));
    assert_eq!(read::<amount_and_note::T>()["required"], json!(["amount"]));
    let by_what_is_read = incompatibilities(&written::<amount_and_note::T>(), &written::<amount::T>());
    assert_eq!(told(&by_what_is_read), ["`/note` is required to read it, and was never written"]);
}

#[test]
fn a_field_that_is_left_out_now_and_then_is_not_enough_for_one_that_is_required() {
    types! { required { pub struct T { pub amount: u32, pub note: String } } }
    let found = wrong::<required::T, sparse::T>();
    assert_eq!(
        found,
        [
            "`/note` is required to read it, and is not always written",
            "`/note` may be written as null, which is not read"
        ]
    );
}

#[test]
fn the_largest_numbers_are_read_as_no_others() {
    assert_eq!(incompatibilities(&read::<u128>(), &written::<u64>()), []);
    assert_eq!(incompatibilities(&read::<i128>(), &written::<u64>()), []);
    assert_eq!(incompatibilities(&read::<f64>(), &written::<u128>()), []);
    assert_eq!(told(&incompatibilities(&read::<i128>(), &written::<u128>())).len(), 1);
    let any_number = incompatibilities(&read::<f32>(), &written::<serde_json::Number>());
    assert_eq!(told(&any_number), ["the payload is written in any format and read in the format `float`"]);
}

#[test]
fn numbers_may_grow_and_not_shrink() {
    types! {
        small { pub struct T { pub n: u8 } }
        large { pub struct T { pub n: u64 } }
        signed { pub struct T { pub n: i32 } }
        real { pub struct T { pub n: f64 } }
        short { pub struct T { pub n: f32 } }
        text { pub struct T { pub n: String } }
    }
    assert_eq!(wrong::<large::T, small::T>(), NOTHING);
    assert_eq!(wrong::<signed::T, small::T>(), NOTHING);
    assert_eq!(wrong::<real::T, large::T>(), NOTHING);
    assert_eq!(wrong::<real::T, short::T>(), NOTHING);
    assert_eq!(
        wrong::<small::T, large::T>(),
        ["`/n` is written as a number from 0 to 18446744073709551615 and read as one from 0 to 255"]
    );
    assert_eq!(
        wrong::<large::T, signed::T>(),
        [
            "`/n` is written as a number from -2147483648 to 2147483647 and read as one from 0 to 18446744073709551615"
        ]
    );
    assert_eq!(wrong::<large::T, real::T>(), ["`/n` is written as number and read as integer"]);
    assert_eq!(
        wrong::<short::T, real::T>(),
        ["`/n` is written in the format `double` and read in the format `float`"]
    );
    assert_eq!(wrong::<text::T, small::T>(), ["`/n` is written as integer and read as string"]);
}

#[test]
fn what_may_be_null_is_read_only_as_such() {
    types! {
        optional { pub struct T { pub n: Option<u32> } }
        plain { pub struct T { pub n: u32 } }
        nested { pub struct T { pub n: Option<super::amount::T> } }
        nested_plain { pub struct T { pub n: super::amount::T } }
    }
    assert_eq!(wrong::<optional::T, plain::T>(), NOTHING);
    let null = "`/n` may be written as null, which is not read";
    assert_eq!(wrong::<plain::T, optional::T>(), [null]);
    assert_eq!(wrong::<nested::T, nested_plain::T>(), NOTHING);
    assert_eq!(wrong::<nested_plain::T, nested::T>(), [null]);
}

#[test]
fn lists_tuples_and_maps_are_compared_element_by_element() {
    types! {
        list { pub struct T { pub n: Vec<u8> } }
        of_text { pub struct T { pub n: Vec<String> } }
        set { pub struct T { pub n: BTreeSet<u8> } }
        pair { pub struct T { pub n: (u8, String) } }
        triple { pub struct T { pub n: (u8, String, bool) } }
        map { pub struct T { pub n: BTreeMap<String, u8> } }
        wide_map { pub struct T { pub n: BTreeMap<String, u64> } }
        by_number { pub struct T { pub n: BTreeMap<u32, u8> } }
        wide_by_number { pub struct T { pub n: BTreeMap<u32, u64> } }
        fixed { pub struct T { pub n: [u8; 2] } }
    }
    assert_eq!(wrong::<of_text::T, list::T>(), ["`/n/*` is written as integer and read as string"]);
    assert_eq!(wrong::<list::T, set::T>(), NOTHING);
    assert_eq!(
        wrong::<set::T, list::T>(),
        ["`/n` is written with elements that may be the same, and read without such"]
    );
    assert_eq!(wrong::<triple::T, pair::T>(), ["`/n` is written with a length of 2 and read with one of 3"]);
    assert_eq!(wrong::<list::T, fixed::T>(), NOTHING);
    assert_eq!(wrong::<fixed::T, list::T>(), ["`/n` is written with a length from 0 and read with one of 2"]);
    assert_eq!(wrong::<wide_map::T, map::T>(), NOTHING);
    assert_eq!(
        wrong::<map::T, wide_map::T>(),
        ["`/n/*` is written as a number from 0 to 18446744073709551615 and read as one from 0 to 255"]
    );
    assert_eq!(wrong::<wide_by_number::T, by_number::T>(), NOTHING);
    assert_eq!(wrong::<map::T, by_number::T>(), NOTHING);
    assert_eq!(
        wrong::<by_number::T, map::T>(),
        ["`/n` may or may not be readable: `patternProperties` is not looked into"]
    );
}

#[test]
fn nested_types_are_followed_through_their_references_and_into_themselves() {
    types! {
        street { pub struct Address { pub street: String } pub struct T { pub to: Address, pub more: Vec<Address> } }
        zip {
            pub struct Address { pub street: String, pub zip: u32 }
            pub struct T { pub to: Address, pub more: Vec<Address> }
        }
        tree { pub struct T { pub value: u8, pub left: Option<Box<T>>, pub right: Option<Box<T>> } }
        other_tree { pub struct T { pub value: String, pub left: Option<Box<T>>, pub right: Option<Box<T>> } }
    }
    assert_eq!(wrong::<street::T, zip::T>(), NOTHING);
    assert_eq!(
        wrong::<zip::T, street::T>(),
        [
            "`/to/zip` is required to read it, and was never written",
            "`/more/*/zip` is required to read it, and was never written"
        ]
    );
    assert_eq!(wrong::<tree::T, tree::T>(), NOTHING);
    let found = wrong::<other_tree::T, tree::T>();
    assert_eq!(found[0], "`/value` is written as integer and read as string");
}

#[test]
fn flattened_fields_are_fields() {
    types! {
        money { pub struct Money { pub amount: u32, pub currency: String } pub struct T { #[serde(flatten)] pub money: Money } }
        rest { pub struct T { pub amount: u32, #[serde(flatten)] pub rest: BTreeMap<String, Value> } }
        kind { pub enum Kind { Cash { till: u8 }, Card { number: String } } pub struct T { pub id: u8, #[serde(flatten)] pub kind: Kind } }
        more_kinds {
            pub enum Kind { Cash { till: u8 }, Card { number: String }, Cheque { bank: String } }
            pub struct T { pub id: u8, #[serde(flatten)] pub kind: Kind }
        }
    }
    assert_eq!(wrong::<amount_and_currency::T, money::T>(), NOTHING);
    assert_eq!(wrong::<money::T, amount::T>(), ["`/currency` is required to read it, and was never written"]);
    assert_eq!(wrong::<rest::T, amount_and_currency::T>(), NOTHING);
    assert_eq!(
        wrong::<amount_and_currency::T, rest::T>()[0],
        "`/currency` is required to read it, and is not always written"
    );
    assert_eq!(wrong::<more_kinds::T, kind::T>(), NOTHING);
    assert_eq!(
        wrong::<kind::T, more_kinds::T>(),
        ["the payload may be written as the variant `Cheque`, which is not known where it is read"]
    );
}

/// The ways in which serde writes an enum, each before and after a variant and a field came in addition.
mod enums {
    use super::*;

    types! {
        externally {
            pub enum T { Moved { to: String }, Paid(u32), Died }
        }
        externally_more {
            pub enum T { Moved { to: String, at: Option<u8> }, Paid(u64), Died, Lost, Found { by: String } }
        }
        internally {
            #[serde(tag = "kind")]
            pub enum T { Moved { to: String }, Paid(super::amount::T), Died }
        }
        internally_more {
            #[serde(tag = "kind")]
            pub enum T { Moved { to: String }, Paid(super::amount_and_currency::T), Died, Lost }
        }
        adjacently {
            #[serde(tag = "kind", content = "of")]
            pub enum T { Moved { to: String }, Paid(u32), Died }
        }
        adjacently_more {
            #[serde(tag = "kind", content = "of")]
            pub enum T { Moved { to: String }, Paid(u8), Died, Lost }
        }
        untagged {
            #[serde(untagged)]
            pub enum T { Number(u32), Text(String), Address { street: String } }
        }
        untagged_more {
            #[serde(untagged)]
            pub enum T { Number(u32), Text(String), Address { street: String }, Flag(bool) }
        }
    }

    #[test]
    fn the_same_enum_is_read() {
        assert_eq!(wrong::<externally::T, externally::T>(), NOTHING);
        assert_eq!(wrong::<internally::T, internally::T>(), NOTHING);
        assert_eq!(wrong::<adjacently::T, adjacently::T>(), NOTHING);
        assert_eq!(wrong::<untagged::T, untagged::T>(), NOTHING);
    }

    #[test]
    fn an_enum_with_the_name_of_each_variant_outside() {
        assert_eq!(wrong::<externally_more::T, externally::T>(), NOTHING);
        assert_eq!(
            wrong::<externally::T, externally_more::T>(),
            [
                "the payload may be written as \"Lost\", which is not read",
                "the payload may be written as the variant `Found`, which is not known where it is read",
                "`/Paid` is written as a number from 0 to 18446744073709551615 and read as one from 0 to 4294967295",
            ]
        );
    }

    #[test]
    fn an_enum_with_a_tag_inside() {
        assert_eq!(
            wrong::<internally_more::T, internally::T>(),
            ["`/currency` is required to read it, and was never written"]
        );
        assert_eq!(
            wrong::<internally::T, internally_more::T>(),
            ["the payload may be written as the variant `Lost`, which is not known where it is read"]
        );
    }

    #[test]
    fn an_enum_with_a_tag_beside() {
        assert_eq!(
            wrong::<adjacently_more::T, adjacently::T>(),
            ["`/of` is written as a number from 0 to 4294967295 and read as one from 0 to 255"]
        );
        assert_eq!(
            wrong::<adjacently::T, adjacently_more::T>(),
            ["the payload may be written as the variant `Lost`, which is not known where it is read"]
        );
    }

    #[test]
    fn an_enum_without_a_tag() {
        assert_eq!(wrong::<untagged_more::T, untagged::T>(), NOTHING);
        assert_eq!(
            wrong::<untagged::T, untagged_more::T>(),
            ["the payload is written as boolean and read as integer or string or object"]
        );
    }
}

#[test]
fn as_many_fields_are_read_as_may_be_written() {
    let map = |most: u64| json!({ "type": "object", "additionalProperties": true, "maxProperties": most });
    assert_eq!(told(&incompatibilities(&map(3), &map(2))), NOTHING);
    assert_eq!(
        told(&incompatibilities(&map(2), &map(3))),
        ["the payload is written with a length from 0 to 3 and read with one from 0 to 2"]
    );
}

#[test]
fn what_is_not_looked_into_is_said_to_be_undecided() {
    let any = json!({ "type": "string" });
    let found = incompatibilities(&json!({ "type": "string", "pattern": "^a" }), &any);
    assert!(found[0].is_undecided());
    assert_eq!(told(&found), ["the payload may or may not be readable: `pattern` is not looked into"]);

    let written = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let unevaluated = json!({ "type": "object", "unevaluatedProperties": { "type": "string" } });
    assert!(incompatibilities(&unevaluated, &written)[0].is_undecided());

    let nowhere = json!({ "$ref": "https://example.org/schema" });
    assert!(incompatibilities(&nowhere, &any)[0].is_undecided());
    let overlapping = json!({ "oneOf": [{ "type": "integer" }, { "type": "number" }] });
    assert!(incompatibilities(&overlapping, &json!({ "type": "integer" }))[0].is_undecided());
}

#[test]
fn a_format_is_a_part_of_the_type() {
    let (day, any) = (json!({ "type": "string", "format": "date" }), json!({ "type": "string" }));
    assert_eq!(told(&incompatibilities(&any, &day)), NOTHING);
    assert_eq!(
        told(&incompatibilities(&day, &any)),
        ["the payload is written in any format and read in the format `date`"]
    );
}

#[test]
fn the_words_of_other_registries_name_the_modes() {
    for mode in CompatibilityMode::ALL {
        assert_eq!(mode.to_string().to_uppercase().parse(), Ok(mode));
    }
    assert!("sideways".parse::<CompatibilityMode>().is_err());
}
