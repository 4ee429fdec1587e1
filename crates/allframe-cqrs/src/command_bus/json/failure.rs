//! What a JSON schema finds wrong with a value, in our words.

use jsonschema::error::{ValidationError as SchemaError, ValidationErrorKind};
use serde_json::Value;

use super::pointer::{field_of, is_within};
use crate::{ValidationError, json_pointer::part_of};

/// A message that would be longer, as one that shows a long value, leaves the value out, in bytes.
const MAX_MESSAGE: usize = 256;

/// One thing that is wrong, and where.
pub(super) struct Failure {
    /// A JSON pointer.
    pub(super) place: String,
    /// The place is one that there should not be.
    pub(super) is_unknown: bool,
    pub(super) error: ValidationError,
}

impl Failure {
    pub(super) fn new(place: String, message: impl Into<String>, code: &str) -> Self {
        let error = ValidationError::with_code(field_of(&place), message, code);
        Self { place, is_unknown: false, error }
    }

    /// Whether one is at the place of the other, or within it.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        is_within(&self.place, &other.place) || is_within(&other.place, &self.place)
    }
}

/// An error of the schema, of which several are made where it is about several fields.
pub(super) fn told(error: &SchemaError<'_>) -> Vec<Failure> {
    let place = error.instance_path().as_str();
    let code = error.kind().keyword();
    let here = || vec![Failure::new(place.to_owned(), message_of(error), code)];
    match error.kind() {
        ValidationErrorKind::Required { property: Value::String(missing) } => {
            vec![Failure::new(part_of(place, missing), message_of(error), code)]
        }
        // Its message lists all of them, and is not to be told of each.
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let unknown = |field| Failure::new(part_of(place, field), "no such field is known here", code);
            unexpected.iter().map(|field| Failure { is_unknown: true, ..unknown(field) }).collect()
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            meant(context, place).map_or_else(here, |errors| errors.iter().flat_map(told).collect())
        }
        _ => here(),
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
