//! JSON pointers: `/items/2/sku`, which people read as `items[2].sku`.

use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::json_pointer::part_of;

/// Where something is in the place that contains it, and that place; `None` for the whole.
pub(super) fn split_last(pointer: &str) -> Option<(&str, String)> {
    let (container, last) = pointer.rsplit_once('/')?;
    Some((container, unescaped(last)))
}

/// Whether a place is this one, or lies in it.
pub(super) fn is_within(place: &str, container: &str) -> bool {
    place.strip_prefix(container).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A place and all that contain it.
pub(super) fn pointer_and_containers(pointer: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(pointer), |place| Some(place.rsplit_once('/')?.0))
}

/// The names and numbers that a pointer goes through.
pub(super) fn segments(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(unescaped)
}

/// The place as the path of a field.
pub(super) fn field_of(pointer: &str) -> String {
    let mut field = String::new();
    for segment in segments(pointer) {
        let is_number = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
        let (before, after) = match is_number {
            true => ("[", "]"),
            false if field.is_empty() => ("", ""),
            false => (".", ""),
        };
        field.extend([before, &segment, after]);
    }
    field
}

/// Where serde stopped, as far as it goes in a value.
pub(super) fn pointer_of(path: &Path, value: &Value) -> String {
    let mut pointer = String::new();
    for segment in path {
        let inner = match segment {
            Segment::Seq { index } => part_of(&pointer, &index.to_string()),
            Segment::Map { key } => part_of(&pointer, key),
            // Of most forms of an enum its variant is no part of the value.
            Segment::Enum { variant } if value.pointer(&part_of(&pointer, variant)).is_some() => {
                part_of(&pointer, variant)
            }
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer = inner;
    }
    pointer
}

fn unescaped(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_becomes_the_path_that_people_write() {
        assert_eq!(field_of(""), "");
        assert_eq!(field_of("/owner"), "owner");
        assert_eq!(field_of("/items/2/sku"), "items[2].sku");
        assert_eq!(field_of(&part_of("/a~1b", "~c")), "a/b.~c");
    }

    #[test]
    fn a_place_is_within_itself_and_what_contains_it_and_not_in_what_only_starts_alike() {
        assert!(is_within("/item", "/item") && is_within("/item/2", "/item") && is_within("/item", ""));
        assert!(!is_within("/items", "/item") && !is_within("/item", "/item/2"));
        assert_eq!(split_last("/a/b~1c"), Some(("/a", "b/c".to_owned())));
        assert_eq!(split_last(""), None);
    }
}
