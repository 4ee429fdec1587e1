//! A JSON schema without what says nothing of values.

use serde_json::{Map, Value};

/// Keywords that people and tools read, and checkers of values do not.
pub(super) const ANNOTATIONS: [&str; 10] = [
    "$schema",
    "$comment",
    "$id",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// The same schema without annotations, and with lists whose order says nothing in order.
pub(super) fn canonical(schema: &Value) -> Value {
    let Value::Object(keywords) = schema else { return schema.clone() };
    let kept = keywords.iter().filter(|(keyword, _)| !ANNOTATIONS.contains(&keyword.as_str()));
    kept.map(|(keyword, value)| (keyword.clone(), of_keyword(keyword, value))).collect::<Map<_, _>>().into()
}

fn of_keyword(keyword: &str, value: &Value) -> Value {
    match (keyword, value) {
        // Beside these, an object is a schema, and a list one of schemas.
        ("const" | "enum" | "dependentRequired", value) => value.clone(),
        ("required" | "type", Value::Array(names)) => sorted(names).into(),
        (
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
            Value::Object(named),
        ) => {
            named.iter().map(|(name, schema)| (name.clone(), canonical(schema))).collect::<Map<_, _>>().into()
        }
        (_, Value::Array(schemas)) => schemas.iter().map(canonical).collect(),
        (_, value) => canonical(value),
    }
}

fn sorted(names: &[Value]) -> Vec<Value> {
    let mut names = names.to_vec();
    names.sort_by_key(ToString::to_string);
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::canonical;

    #[test]
    fn what_is_said_beside_and_the_order_of_fields_do_not_count() {
        let one = json!({
            "title": "Opened",
            "required": ["b", "a"],
            "properties": { "title": { "type": "string", "description": "of a person" }, "a": true, "b": true },
        });
        let other = json!({
            "required": ["a", "b"],
            "properties": { "title": { "type": "string" }, "a": true, "b": true },
        });
        assert_eq!(canonical(&one), other);
    }
}
