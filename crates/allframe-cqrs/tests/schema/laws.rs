//! Where the comparison says that one schema reads what another writes, it does: as another checker of JSON Schema sees it.

use allframe_cqrs::schema::{differences, incompatibilities};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value, json};

use crate::shapes::{Document, document};

proptest! {
    #![proptest_config(Config { cases: 512, failure_persistence: None, ..Config::default() })]

    #[test]
    fn what_a_changed_type_is_said_to_read_fits_its_schema(old in document(), seed in any::<u64>()) {
        let mut random = fastrand::Rng::with_seed(seed);
        let new = old.changed(&mut random);
        holds_for(&old, &new, &mut random)?;
        holds_for(&new, &old, &mut random)?;
    }

    #[test]
    fn what_any_type_is_said_to_read_fits_its_schema(old in document(), new in document(), seed in any::<u64>()) {
        holds_for(&old, &new, &mut fastrand::Rng::with_seed(seed))?;
    }

    #[test]
    fn a_type_reads_what_it_writes(old in document()) {
        let again = old.clone();
        // Other values of the same content, so that it is looked into.
        let mut reader = again.schema();
        reader["title"] = json!("another");
        prop_assert_eq!(incompatibilities(&reader, &old.schema()), []);
    }

    #[test]
    fn where_something_breaks_something_is_told_to_have_changed(old in document(), seed in any::<u64>()) {
        let new = old.changed(&mut fastrand::Rng::with_seed(seed));
        let (old, new) = (old.schema(), new.schema());
        prop_assert_eq!(differences(&old, &old), []);
        if !incompatibilities(&new, &old).is_empty() {
            prop_assert_ne!(differences(&old, &new), []);
        }
    }

    #[test]
    fn what_schemas_of_any_keywords_are_said_to_read_fits_them(old in keywords(), new in keywords()) {
        if incompatibilities(&new, &old).is_empty() {
            let (writes, reads) = (jsonschema::validator_for(&old).unwrap(), jsonschema::validator_for(&new).unwrap());
            for value in universe() {
                prop_assert!(!writes.is_valid(&value) || reads.is_valid(&value), "{value}");
            }
        }
    }
}

/// A law about nothing would be kept by a comparison that always says no.
#[test]
fn many_changes_are_said_to_be_readable() {
    let mut runner = TestRunner::deterministic();
    let readable = (0..400).filter(|seed| {
        let old = document().new_tree(&mut runner).unwrap().current();
        let new = old.changed(&mut fastrand::Rng::with_seed(*seed));
        old != new && incompatibilities(&new.schema(), &old.schema()).is_empty()
    });
    let readable = readable.count();
    assert!((60..340).contains(&readable), "{readable} of 400");
}

fn holds_for(old: &Document, new: &Document, random: &mut fastrand::Rng) -> Result<(), TestCaseError> {
    if !incompatibilities(&new.schema(), &old.schema()).is_empty() {
        return Ok(());
    }
    let writes = jsonschema::validator_for(&old.schema()).unwrap();
    let reads = jsonschema::validator_for(&new.schema()).unwrap();
    for _ in 0..24 {
        let Some(value) = old.value(random) else { continue };
        prop_assert!(writes.is_valid(&value), "{value} is none of the old type");
        prop_assert!(reads.is_valid(&value), "{value} is not read");
    }
    Ok(())
}

/// Small schemas of keywords in any combination. Of objects, all say what may stand beside the named fields.
fn keywords() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!(false)),
        proptest::sample::subsequence(
            vec!["null", "boolean", "integer", "number", "string", "array", "object"],
            1..=3
        )
        .prop_map(|types| json!({ "type": types, "additionalProperties": true })),
        proptest::sample::subsequence(universe(), 1..=3).prop_map(|values| json!({ "enum": values })),
        (0..3i64, 0..3i64).prop_map(|(min, max)| json!({ "minimum": min, "exclusiveMaximum": max })),
        (0..3u8).prop_map(|length| json!({ "minLength": length })),
        (0..3u8).prop_map(|length| json!({ "maxItems": length, "additionalProperties": true })),
        Just(json!({ "required": ["a"], "additionalProperties": true })),
        Just(json!({ "uniqueItems": true })),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let some = proptest::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            (some.clone(), prop_oneof![Just("anyOf"), Just("oneOf"), Just("allOf")])
                .prop_map(|(parts, keyword)| json!({ keyword: parts })),
            inner.clone().prop_map(|part| json!({ "not": part })),
            inner.clone().prop_map(|items| json!({ "items": items })),
            (some, inner.clone()).prop_map(|(first, items)| json!({ "prefixItems": first, "items": items })),
            (inner.clone(), inner, any::<bool>()).prop_map(|(field, rest, is_required)| {
                let required: &[&str] = if is_required { &["a"] } else { &[] };
                json!({ "properties": { "a": field }, "required": required, "additionalProperties": rest })
            }),
        ]
    })
}

/// Every small value.
fn universe() -> Vec<Value> {
    let scalars = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(1.5),
        json!(2),
        json!(""),
        json!("a"),
    ];
    let mut all = scalars.to_vec();
    all.push(json!([]));
    all.push(json!({}));
    for one in &scalars {
        all.push(json!([one]));
        all.extend(["a", "b"].map(|name| Value::Object(Map::from_iter([(name.to_owned(), one.clone())]))));
        for other in scalars.iter().step_by(2) {
            all.push(json!([one, other]));
            all.push(json!({ "a": one, "b": other }));
        }
    }
    all
}
