//! What a JSON schema finds wrong with a value, in our words.

use jsonschema::error::{ValidationError as SchemaError, ValidationErrorKind};
use serde_json::Value;

use crate::ValidationError;

/// A message that would be longer, as one that shows a long value, leaves the value out, in bytes.
const MAX_MESSAGE: usize = 256;

/// An error of the schema, of which several are made where it is about several fields.
pub(super) fn told(error: &SchemaError<'_>) -> Vec<ValidationError> {
    let place = path(error.instance_path().as_str());
    let code = error.kind().keyword();
    let at = |field: &str| if place.is_empty() { field.to_owned() } else { format!("{place}.{field}") };
    match error.kind() {
        ValidationErrorKind::Required { property: Value::String(missing) } => {
            vec![ValidationError::with_code(at(missing), message_of(error), code)]
        }
        // Its message lists all of them, and is not to be told of each.
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|field| ValidationError::with_code(at(field), "no such field is known here", code))
            .collect(),
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            match meant(context, error.instance_path().as_str()) {
                Some(errors) => errors.iter().flat_map(told).collect(),
                None => vec![ValidationError::with_code(place, message_of(error), code)],
            }
        }
        _ => vec![ValidationError::with_code(place, message_of(error), code)],
    }
}

/// What is wrong with a value by the one of several forms that it was meant to have: all others are of another type or have
/// another tag, or do not fit it from the outside.
fn meant<'a>(forms: &'a [Vec<SchemaError<'static>>], place: &str) -> Option<&'a [SchemaError<'static>]> {
    let is_outside = |error: &SchemaError<'_>| error.instance_path().as_str() == place;
    let is_other = |error: &SchemaError<'_>| match error.kind() {
        ValidationErrorKind::Type { .. } => is_outside(error),
        ValidationErrorKind::Constant { .. } => true,
        _ => false,
    };
    let of_its_kind = || forms.iter().filter(|errors| !errors.iter().any(is_other));
    only(of_its_kind())
        .or_else(|| only(of_its_kind().filter(|errors| !errors.iter().any(is_outside))))
        .map(Vec::as_slice)
}

fn only<T>(mut these: impl Iterator<Item = T>) -> Option<T> {
    these.next().filter(|_| these.next().is_none())
}

fn message_of(error: &SchemaError<'_>) -> String {
    let message = error.to_string();
    if message.len() <= MAX_MESSAGE { message } else { error.masked().to_string() }
}

/// A JSON pointer as the path of a field: `/items/2/sku` is `items[2].sku`.
fn path(pointer: &str) -> String {
    let mut path = String::new();
    for segment in pointer.split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        if segment.bytes().all(|byte| byte.is_ascii_digit()) && !segment.is_empty() {
            path.push_str(&format!("[{segment}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&segment);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_pointer_becomes_the_path_that_people_write() {
        assert_eq!(path(""), "");
        assert_eq!(path("/owner"), "owner");
        assert_eq!(path("/items/2/sku"), "items[2].sku");
        assert_eq!(path("/a~1b/~0c"), "a/b.~c");
    }
}
