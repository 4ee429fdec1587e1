//! The kinds of stores that this program was built without.

use crate::failure::Failure;

/// How the URLs of a kind of store begin, and the feature that brings it.
type LeftOut = (&'static str, &'static str);

const LEFT_OUT: &[LeftOut] = &[
    #[cfg(not(feature = "wal"))]
    ("wal:", "wal"),
    #[cfg(not(feature = "rocksdb"))]
    ("rocksdb:", "rocksdb"),
    #[cfg(not(feature = "postgres"))]
    ("postgresql://", "postgres"),
    #[cfg(not(feature = "postgres"))]
    ("postgres://", "postgres"),
];

/// What to do about a URL that names such a store.
pub(crate) fn how_to_get(url: &str) -> Option<Failure> {
    let (begin, feature) =
        LEFT_OUT.iter().find(|(begin, _)| url.len() > begin.len() && url.starts_with(begin))?;
    Some(Failure::Usage(format!(
        "this program was built without stores `{begin}`; build it with its feature `{feature}`, as this does in a clone \
         of its repository: cargo install --path crates/allframe-cqrs-cli --features {feature}"
    )))
}
