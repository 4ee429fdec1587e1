use std::{collections::BTreeMap, fmt, hash::Hasher as _};

use serde::Serialize;
use serde_json::Value;

/// What tells two commands of one type apart: a hash and the length of their JSON, its keys sorted.
///
/// It finds mistakes, such as a key that is used for two orders. It is no protection from somebody who looks for a collision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    hash: u64,
    length: usize,
}

impl Fingerprint {
    /// The fingerprint of a value; `None` for one that JSON cannot show.
    ///
    /// A collection without an order, as a `HashSet`, may have another one each time. A type with one field more has another
    /// fingerprint: who adds one lets it be left out where it says nothing (`skip_serializing_if`).
    #[must_use]
    pub fn of(value: &impl Serialize) -> Option<Self> {
        Some(Self::of_json(serde_json::to_value(value).ok()?))
    }

    /// The fingerprint of a value that is JSON already.
    pub(crate) fn of_json(value: Value) -> Self {
        let text = sorted(value).to_string();
        Self { hash: hash_of(text.as_bytes()), length: text.len() }
    }
}

/// With the keys of all objects in order, whatever order maps have in this build.
pub(crate) fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> =
                fields.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            fields.into_iter().collect()
        }
        value => value,
    }
}

fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = fnv::FnvHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.hash, self.length)
    }
}

/// A command, of which `#[command]` asks whether it is `Serialize`: the compiler takes the first of the two traits that fits.
#[doc(hidden)]
#[derive(Debug)]
pub struct Fingerprinted<'a, C>(pub &'a C);

#[doc(hidden)]
pub trait OfSerialize {
    fn fingerprint(&self) -> Option<Fingerprint>;
}

impl<C: Serialize> OfSerialize for Fingerprinted<'_, C> {
    fn fingerprint(&self) -> Option<Fingerprint> {
        Fingerprint::of(self.0)
    }
}

#[doc(hidden)]
pub trait OfAny {
    fn fingerprint(&self) -> Option<Fingerprint>;
}

impl<C> OfAny for &Fingerprinted<'_, C> {
    fn fingerprint(&self) -> Option<Fingerprint> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn the_order_of_a_map_makes_no_difference_and_its_content_does() {
        let map =
            |pairs: &[(&str, u32)]| pairs.iter().map(|(k, v)| (k.to_string(), *v)).collect::<HashMap<_, _>>();
        let pairs: Vec<_> = ["a", "b", "c", "d", "e", "f"].into_iter().zip(0..).collect();
        let turned: Vec<_> = pairs.iter().rev().copied().collect();
        assert_eq!(Fingerprint::of(&map(&pairs)), Fingerprint::of(&map(&turned)));
        assert_ne!(Fingerprint::of(&map(&pairs)), Fingerprint::of(&map(&pairs[1..])));
        // It is in stores: it never changes.
        assert_eq!(Fingerprint::of(&map(&[])).unwrap().to_string(), "08f44b07b5901a25-2");
    }
}
