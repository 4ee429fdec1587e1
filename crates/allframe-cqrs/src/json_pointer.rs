//! JSON pointers, RFC 6901: `/items/2/sku`.

/// The place of a part inside of another place.
pub(crate) fn part_of(place: &str, name: &str) -> String {
    format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"))
}
