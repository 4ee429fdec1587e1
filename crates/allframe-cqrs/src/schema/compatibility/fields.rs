//! The fields of objects, as their schemas name them.

use serde_json::{Map, Value};

use super::document::{ANYTHING, Branch, Node};

/// Other names under which a field is read; what `#[serde(alias = "..")]` says, which JSON schemas have no word for.
const ALIASES: &str = "x-aliases";

/// What the schemas that name a field say of it.
pub(super) fn property<'a>(branch: &Branch<'a>, name: &str) -> Node<'a> {
    branch.iter().filter_map(|schema| properties(schema)?.get(name)).collect()
}

/// The names of all fields, each once.
pub(super) fn names<'a>(branch: &Branch<'a>) -> Vec<&'a str> {
    let mut names: Vec<&'a str> = branch
        .iter()
        .filter_map(|schema| properties(schema))
        .flat_map(Map::keys)
        .map(String::as_str)
        .collect();
    names.extend(branch.iter().flat_map(|schema| required_of(schema)));
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    names
}

pub(super) fn properties(schema: &Map<String, Value>) -> Option<&Map<String, Value>> {
    schema.get("properties")?.as_object()
}

pub(super) fn required_of(schema: &Map<String, Value>) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a field is in every object.
pub(super) fn is_required(branch: &Branch<'_>, name: &str) -> bool {
    branch.iter().any(|schema| required_of(schema).any(|required| required == name))
}

/// Whether a schema refuses a field of this name, which it does not name.
pub(super) fn refuses_unnamed(schema: &Map<String, Value>, name: &str) -> bool {
    schema.get("additionalProperties") == Some(&Value::Bool(false))
        && !schema.contains_key("patternProperties")
        && properties(schema).is_none_or(|named| !named.contains_key(name))
}

/// The names under which a reading schema finds a field.
pub(super) fn names_read<'a>(name: &'a str, field: &'a Value) -> impl Iterator<Item = &'a str> {
    let aliases = field.get(ALIASES).and_then(Value::as_array).into_iter().flatten();
    std::iter::once(name).chain(aliases.filter_map(Value::as_str))
}

/// What is written under names that the schemas do not name; `None` where nothing is.
///
/// Whoever writes an object whose fields a schema names writes these and no others, unless it says so.
pub(super) fn written_beside<'a>(branch: &Branch<'a>) -> Option<Node<'a>> {
    let mut beside = Node::new();
    let mut is_closed = false;
    for schema in branch {
        match schema.get("additionalProperties").or_else(|| schema.get("unevaluatedProperties")) {
            Some(Value::Bool(false)) => is_closed = true,
            Some(more) => beside.push(more),
            None => is_closed |= schema.contains_key("properties") || is_struct(schema),
        }
        if let Some(Value::Object(patterns)) = schema.get("patternProperties") {
            beside.extend(patterns.values());
            // Of several, one holds for a name, and none has to.
            if patterns.len() > 1 {
                return Some(vec![&ANYTHING]);
            }
        }
    }
    match (beside.is_empty(), is_closed) {
        (true, true) => None,
        (true, false) => Some(vec![&ANYTHING]),
        (false, _) => Some(beside),
    }
}

/// An object that says nothing of its fields is a struct without any: a map says what its values are.
fn is_struct(schema: &Map<String, Value>) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => {
            names.iter().all(|name| name == "object" || name == "null")
                && names.iter().any(|name| name == "object")
        }
        _ => false,
    }
}
