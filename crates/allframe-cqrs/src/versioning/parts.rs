use std::{iter, mem, ops::Deref, option, vec};

use Parts::{One, Several};

/// What a stored event reads as: one event, as a rule, which takes no allocation.
#[derive(Clone, Debug)]
pub(crate) enum Parts<T> {
    One(T),
    /// Any number, also none or one.
    Several(Vec<T>),
}

impl<T> Parts<T> {
    pub(crate) const fn new() -> Self {
        Several(Vec::new())
    }

    pub(super) fn push(&mut self, part: T) {
        match mem::replace(self, Self::new()) {
            Several(parts) if parts.is_empty() => *self = One(part),
            Several(mut parts) => {
                parts.push(part);
                *self = Several(parts);
            }
            One(first) => *self = Several(vec![first, part]),
        }
    }

    pub(crate) fn into_vec(self) -> Vec<T> {
        match self {
            One(part) => vec![part],
            Several(parts) => parts,
        }
    }
}

impl<T> Deref for Parts<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            One(part) => std::slice::from_ref(part),
            Several(parts) => parts,
        }
    }
}

impl<T> IntoIterator for Parts<T> {
    type Item = T;
    type IntoIter = iter::Chain<option::IntoIter<T>, vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        let (first, others) = match self {
            One(part) => (Some(part), Vec::new()),
            Several(parts) => (None, parts),
        };
        first.into_iter().chain(others)
    }
}

impl<T> Extend<T> for Parts<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, parts: I) {
        parts.into_iter().for_each(|part| self.push(part));
    }
}

impl<T> FromIterator<T> for Parts<T> {
    fn from_iter<I: IntoIterator<Item = T>>(parts: I) -> Self {
        let mut all = Self::new();
        all.extend(parts);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::Parts;

    #[test]
    fn parts_are_what_was_pushed() {
        for count in 0..4 {
            let pushed: Vec<_> = (0..count).collect();
            let parts: Parts<_> = pushed.iter().copied().collect();
            assert_eq!(parts[..], pushed);
            assert_eq!(parts.clone().into_iter().collect::<Vec<_>>(), pushed);
            assert_eq!(parts.into_vec(), pushed);
        }
    }
}
