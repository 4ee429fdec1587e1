use std::{fmt, hash::Hasher as _};

use serde::Serialize;

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
    /// A collection without an order, as a `HashSet`, may have another one each time.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Option<Self> {
        // A `Value` sorts the keys of maps, which may come in any order.
        let text = serde_json::to_vec(&serde_json::to_value(value).ok()?).ok()?;
        Some(Self { hash: hash_of(&text), length: text.len() })
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
