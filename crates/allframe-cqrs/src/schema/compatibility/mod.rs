//! Whether what is written by one JSON schema is read by another.

mod diff;
mod disjoint;
mod document;
mod fields;
mod finding;
mod limits;
mod mode;
mod reading;
mod structure;
mod types;

pub use diff::{Change, Difference, differences};
pub use finding::{Finding, Reason};
pub use mode::{CompatibilityMode, Direction, UnknownMode};
use serde_json::Value;

use crate::json_pointer::part_of;

/// Everything in which what is written by one JSON schema is not read by the other; nothing where all of it is.
///
/// Both are of draft 2020-12, as `schemars` makes them. An object that names its fields is written with these and no others, unless
/// its schema speaks of `additionalProperties`: a struct in Rust writes no more. Read, it takes fields that it does not know,
/// unless it denies them. What cannot be told is a finding too, [`Reason::Undecided`].
///
/// ```
/// use allframe_cqrs::schema::incompatibilities;
/// use serde_json::json;
///
/// let earlier = json!({ "type": "object", "properties": { "amount": { "type": "integer" } }, "required": ["amount"] });
/// let today = json!({
///     "type": "object",
///     "properties": { "amount": { "type": "integer" }, "currency": { "type": "string" } },
///     "required": ["amount", "currency"],
/// });
/// let found = incompatibilities(&today, &earlier);
/// assert_eq!(found[0].to_string(), "`/currency` is required to read it, and was never written");
/// assert!(incompatibilities(&earlier, &today).is_empty());
/// ```
#[must_use]
pub fn incompatibilities(reader: &Value, writer: &Value) -> Vec<Finding> {
    if reader == writer {
        return Vec::new();
    }
    let mut findings = reading::Reading::new(reader, writer).compare(&vec![reader], &vec![writer], "");
    findings.sort_by_key(|finding| finding.path.matches('/').count());
    findings
}

/// The fields of a payload that are written by one schema and not named by the other, whether or not that denies them.
pub(crate) fn undeclared_fields(reader: &Value, writer: &Value) -> Vec<Finding> {
    let named = |schema| {
        let branches = document::Document::new(schema).alternatives(&[schema]).unwrap_or_default();
        branches.iter().flat_map(fields::names).map(str::to_owned).collect::<Vec<_>>()
    };
    let known = named(reader);
    let mut unknown = named(writer);
    unknown.retain(|name| !known.contains(name));
    let finding = |name: &String| Finding::new(&part_of("", name), Reason::FieldUnknown);
    unknown.iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    /// A schema of a few lines, and of three times as many parts with each level.
    fn tripling(levels: usize, end: &Value, level: impl Fn(Value) -> Value) -> Value {
        let mut definitions = Map::new();
        for number in 0..levels {
            definitions
                .insert(number.to_string(), level(json!({ "$ref": format!("#/$defs/{}", number + 1) })));
        }
        definitions.insert(levels.to_string(), end.clone());
        json!({ "$ref": "#/$defs/0", "$defs": definitions })
    }

    #[test]
    fn parts_that_multiply_are_not_counted_to_their_end() {
        let end = json!({ "type": "object" });
        let many = tripling(11, &end, |next| json!({ "allOf": [next, next, next] }));
        let found = incompatibilities(&many, &end);
        assert!(
            matches!(found.as_slice(), [Finding { reason: Reason::Undecided { because }, .. }]
                if because == "it has too many parts"),
            "{found:?}"
        );
    }

    #[test]
    fn types_that_are_named_at_more_and_more_places_are_compared_at_some() {
        let of = |end: Value| {
            tripling(
                9,
                &end,
                |next| json!({ "type": "object", "properties": { "a": next, "b": next, "c": next } }),
            )
        };
        let found = differences(&of(json!({ "type": "string" })), &of(json!({ "type": "boolean" })));
        assert!((1..=10_000).contains(&found.len()), "{} differences", found.len());
    }
}
