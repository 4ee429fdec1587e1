//! Values that fit a JSON schema, as far as this can be read from it.

use serde_json::{Map, Value, json};

use super::pointer::segments;

/// A schema within a schema within a schema, and references between them: no type goes deeper but one that contains itself.
const MAX_DEPTH: usize = 32;
/// Schemas ask for longer texts and lists than anybody needs to see whether the rest can be read.
const MAX_LENGTH: u64 = 1_024;

/// A value that may stand at a place.
pub(super) fn sample_at(root: &Value, place: &str) -> Option<Value> {
    let mut schema = root;
    for segment in segments(place) {
        schema = part_of(root, schema, &segment, 0)?;
    }
    sample(root, schema, 0)
}

/// The schema of a field, or of an item.
fn part_of<'a>(root: &'a Value, schema: &'a Value, segment: &str, depth: usize) -> Option<&'a Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    let schema = resolved(root, schema)?;
    let field = || schema.get("properties")?.get(segment);
    let numbered = || schema.get("prefixItems")?.get(segment.parse::<usize>().ok()?);
    let item = || schema.get("items").filter(|_| segment.parse::<usize>().is_ok());
    let other_field = || schema.get("additionalProperties").filter(|schema| schema.is_object());
    let of_a_form =
        || forms_of(schema).find_map(|(_, form)| part_of(root, form, segment, depth.saturating_add(1)));
    field().or_else(numbered).or_else(item).or_else(other_field).or_else(of_a_form)
}

/// The schemas that a schema is made of, and whether one of them is enough.
fn forms_of(schema: &Value) -> impl Iterator<Item = (bool, &Value)> {
    [("anyOf", true), ("oneOf", true), ("allOf", false)].into_iter().flat_map(move |(keyword, is_enough)| {
        schema.get(keyword).and_then(Value::as_array).into_iter().flatten().map(move |form| (is_enough, form))
    })
}

fn resolved<'a>(root: &'a Value, mut schema: &'a Value) -> Option<&'a Value> {
    for _ in 0..MAX_DEPTH {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return Some(schema) };
        schema = root.pointer(reference.strip_prefix('#')?)?;
    }
    None
}

fn sample(root: &Value, schema: &Value, depth: usize) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    let inner = |schema| sample(root, schema, depth.saturating_add(1));
    let schema = resolved(root, schema)?;
    if let Some(value) = schema.get("const").or_else(|| schema.get("enum")?.get(0)) {
        return Some(value.clone());
    }
    match type_of(schema) {
        Some("null") => Some(Value::Null),
        Some("boolean") => Some(json!(false)),
        Some("integer" | "number") => Some(number(schema)),
        Some("string") => Some(Value::String(text(schema))),
        Some("array") => {
            let first = schema.get("prefixItems").and_then(Value::as_array).into_iter().flatten();
            let length = length(schema, "minItems");
            let others = schema.get("items").into_iter().flat_map(|item| std::iter::repeat_n(item, length));
            first.chain(others).map(inner).collect::<Option<Vec<_>>>().map(Value::Array)
        }
        Some("object") => object(root, schema, depth).map(Value::Object),
        _ => {
            // What may be nothing is nothing: that has the fewest rules.
            let forms = || forms_of(schema).filter(|(is_enough, _)| *is_enough).map(|(_, form)| form);
            let nothing = forms().find(|form| type_of(form) == Some("null")).map(|_| Value::Null);
            let whole = || forms_of(schema).find(|(is_enough, _)| !is_enough).map(|(_, form)| form);
            nothing.or_else(|| forms().find_map(inner)).or_else(|| whole().and_then(inner))
        }
    }
}

fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::Array(types) if types.iter().any(|ty| ty == "null") => Some("null"),
        Value::Array(types) => types.first()?.as_str(),
        ty => ty.as_str(),
    }
}

/// An object of what it must have, of itself and of all that it is made of.
fn object(root: &Value, schema: &Value, depth: usize) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        let name = name.as_str()?;
        let field = part_of(root, schema, name, 0)?;
        fields.insert(name.to_owned(), sample(root, field, depth.saturating_add(1))?);
    }
    // A flattened enum: one of its forms comes on top.
    if let Some((_, form)) = forms_of(schema).next()
        && let Some(Value::Object(more)) = sample(root, form, depth.saturating_add(1))
    {
        fields.extend(more);
    }
    Some(fields)
}

fn number(schema: &Value) -> Value {
    let bound = |keyword: &str| schema.get(keyword).filter(|bound| bound.is_number());
    let zero = json!(0);
    let is_below = |one: &Value, other: &Value| one.as_f64() < other.as_f64();
    if let Some(min) = bound("minimum").filter(|min| is_below(&zero, min)) {
        return min.clone();
    }
    if let Some(max) = bound("maximum").filter(|max| is_below(max, &zero)) {
        return max.clone();
    }
    match bound("exclusiveMinimum").and_then(Value::as_i64).filter(|min| *min >= 0) {
        Some(min) => json!(min.saturating_add(1)),
        None => zero,
    }
}

fn text(schema: &Value) -> String {
    let known = match schema.get("format").and_then(Value::as_str) {
        Some("uuid") => "00000000-0000-0000-0000-000000000000",
        Some("date-time") => "1970-01-01T00:00:00Z",
        Some("date") => "1970-01-01",
        Some("time") => "00:00:00Z",
        Some("duration") => "PT0S",
        Some("ip" | "ipv4") => "127.0.0.1",
        Some("ipv6") => "::1",
        Some("uri" | "url") => "https://example.com/",
        Some("email") => "a@example.com",
        _ => return "a".repeat(length(schema, "minLength")),
    };
    known.to_owned()
}

fn length(schema: &Value, keyword: &str) -> usize {
    let least = schema.get(keyword).and_then(Value::as_u64).unwrap_or_default().min(MAX_LENGTH);
    usize::try_from(least).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_fits_the_schema_of_its_place() {
        let schema = json!({
            "type": "object",
            "properties": {
                "id": { "type": "string", "format": "uuid" },
                "owner": { "type": "string", "minLength": 2 },
                "amount": { "type": "integer", "minimum": 3 },
                "debt": { "type": "number", "maximum": -0.5 },
                "sign": { "type": "string", "minLength": 1, "maxLength": 1 },
                "address": { "anyOf": [{ "$ref": "#/$defs/Address" }, { "type": "null" }] },
                "items": { "type": "array", "items": { "$ref": "#/$defs/Item" }, "minItems": 1 },
                "pair": { "type": "array", "prefixItems": [{ "type": "boolean" }, { "const": "x" }] },
                "extras": { "type": "object", "additionalProperties": { "enum": ["a", "b"] } },
            },
            "$defs": {
                "Address": { "type": "object", "properties": { "zip": { "type": "integer" } }, "required": ["zip"] },
                "Item": {
                    "type": "object",
                    "properties": { "sku": { "type": "string" } },
                    "required": ["sku"],
                    "oneOf": [{ "type": "object", "properties": { "by": { "const": "card" } }, "required": ["by"] }]
                },
            },
        });
        let samples = [
            ("/id", json!("00000000-0000-0000-0000-000000000000")),
            ("/owner", json!("aa")),
            ("/amount", json!(3)),
            ("/debt", json!(-0.5)),
            ("/sign", json!("a")),
            ("/address", json!(null)),
            ("/address/zip", json!(0)),
            ("/items", json!([{ "sku": "", "by": "card" }])),
            ("/items/7/sku", json!("")),
            ("/pair", json!([false, "x"])),
            ("/pair/1", json!("x")),
            ("/extras/any", json!("a")),
        ];
        for (place, expected) in samples {
            assert_eq!(sample_at(&schema, place), Some(expected), "{place}");
            let whole = schema.clone();
            let validator = jsonschema::validator_for(&whole).unwrap();
            let top = segments(place).next().unwrap();
            if segments(place).count() == 1 {
                let mut value = Map::new();
                value.insert(top, sample_at(&schema, place).unwrap());
                assert!(validator.is_valid(&Value::Object(value)), "{place}");
            }
        }
        assert_eq!(sample_at(&schema, "/nothing"), None);
    }

    #[test]
    fn what_contains_itself_has_no_sample_and_comes_to_an_end() {
        let schema = json!({
            "$ref": "#/$defs/Tree",
            "$defs": {
                "Tree": { "type": "object", "properties": { "left": { "$ref": "#/$defs/Tree" } }, "required": ["left"] },
                "Round": { "$ref": "#/$defs/Round" },
                "Turn": { "anyOf": [{ "$ref": "#/$defs/Turn" }] },
            },
        });
        assert_eq!(sample_at(&schema, "/left"), None);
        for reference in ["#/$defs/Round", "#/$defs/Turn"] {
            let schema = json!({ "$ref": reference, "$defs": schema["$defs"] });
            assert_eq!(sample_at(&schema, ""), None, "{reference}");
            assert_eq!(sample_at(&schema, "/left"), None, "{reference}");
        }
    }
}
