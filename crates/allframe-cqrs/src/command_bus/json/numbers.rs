//! Between the numbers of JSON and those of Rust.

use serde_json::{Number, Value, json};

/// From here on not every whole number is an `f64`, which then may stand for another one.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Says in a schema how large integers of its formats are, so that one that is too large fails at its field.
pub(super) fn set_bounds(schema: &mut Value) {
    match schema {
        Value::Object(parts) => {
            if let Some((min, max)) = parts.get("format").and_then(Value::as_str).and_then(bounds_of) {
                parts.entry("minimum").or_insert(min);
                parts.entry("maximum").or_insert(max);
            }
            for (keyword, part) in parts {
                match (keyword.as_str(), part) {
                    // Values, and no schemas.
                    ("const" | "default" | "enum" | "examples", _) => {}
                    // Schemas by names, which are no keywords.
                    ("$defs" | "patternProperties" | "properties", Value::Object(named)) => {
                        named.values_mut().for_each(set_bounds);
                    }
                    (_, part) => set_bounds(part),
                }
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(set_bounds),
        _ => {}
    }
}

fn bounds_of(format: &str) -> Option<(Value, Value)> {
    Some(match format {
        "int8" => (json!(i8::MIN), json!(i8::MAX)),
        "int16" => (json!(i16::MIN), json!(i16::MAX)),
        "int32" => (json!(i32::MIN), json!(i32::MAX)),
        "int64" => (json!(i64::MIN), json!(i64::MAX)),
        "int" => (json!(isize::MIN), json!(isize::MAX)),
        "uint8" => (json!(u8::MIN), json!(u8::MAX)),
        "uint16" => (json!(u16::MIN), json!(u16::MAX)),
        "uint32" => (json!(u32::MIN), json!(u32::MAX)),
        "uint64" => (json!(u64::MIN), json!(u64::MAX)),
        "uint" => (json!(usize::MIN), json!(usize::MAX)),
        _ => return None,
    })
}

/// Writes 7.0 as 7 wherever it stands in a value.
pub(super) fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(whole) = number.as_f64().and_then(whole) {
                *number = whole;
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(make_whole),
        Value::Object(parts) => parts.values_mut().for_each(make_whole),
        _ => {}
    }
}

fn whole(number: f64) -> Option<Number> {
    let is_whole = number.fract() == 0.0 && number.abs() < MAX_EXACT;
    // Without a cast, which could lose something.
    is_whole.then(|| format!("{number:.0}").parse::<i64>().ok().map(Number::from)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_written_without_a_point_and_others_stay() {
        let mut value = json!({ "a": [7.0, -2.0, -0.0, 7.5], "b": 1e300, "c": "7.0" });
        make_whole(&mut value);
        assert_eq!(value, json!({ "a": [7, -2, 0, 7.5], "b": 1e300, "c": "7.0" }));
    }

    #[test]
    fn formats_have_bounds_unless_narrower_ones_are_there_and_a_default_is_no_schema_unless_a_field_is_called_so()
     {
        let mut schema = json!({
            "properties": {
                "a": { "format": "uint32", "minimum": 1 },
                "format": { "format": "email", "default": { "format": "int8" } },
                "default": { "format": "uint8" },
            }
        });
        set_bounds(&mut schema);
        assert_eq!(
            schema,
            json!({
                "properties": {
                    "a": { "format": "uint32", "minimum": 1, "maximum": u32::MAX },
                    "format": { "format": "email", "default": { "format": "int8" } },
                    "default": { "format": "uint8", "minimum": 0, "maximum": 255 },
                }
            })
        );
    }
}
