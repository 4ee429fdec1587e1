use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{IndexValue, Row, UniqueViolation};

/// What one index knows of the rows of one table.
pub struct IndexEntries<R: Row, V> {
    name: &'static str,
    value: fn(&R) -> Option<V>,
    uniqueness: Uniqueness,
    pub(super) keys: BTreeMap<V, BTreeSet<R::Key>>,
    /// The rows that have no value: they neither collide nor lie in a range.
    pub(super) without: BTreeSet<R::Key>,
}

#[derive(Clone, Copy)]
enum Uniqueness {
    Multi,
    Unique,
}

impl<R: Row, V> IndexEntries<R, V> {
    pub(super) fn multi(name: &'static str, value: fn(&R) -> Option<V>) -> Self {
        Self::empty(name, value, Uniqueness::Multi)
    }

    pub(super) fn unique(name: &'static str, value: fn(&R) -> Option<V>) -> Self {
        Self::empty(name, value, Uniqueness::Unique)
    }

    fn empty(name: &'static str, value: fn(&R) -> Option<V>, uniqueness: Uniqueness) -> Self {
        Self { name, value, uniqueness, keys: BTreeMap::new(), without: BTreeSet::new() }
    }
}

impl<R: Row, V: IndexValue> IndexEntries<R, V> {
    /// Whether a row may come in, in place of the one with the key `replaced`.
    pub(super) fn check(&self, row: &R, replaced: Option<&R::Key>) -> Result<(), UniqueViolation> {
        let (Uniqueness::Unique, Some(value)) = (self.uniqueness, (self.value)(row)) else {
            return Ok(());
        };
        let taken_by = self.keys.get(&value).and_then(|keys| keys.iter().find(|key| Some(*key) != replaced));
        match taken_by {
            Some(key) => Err(UniqueViolation::new(self.name, &value, &row.key(), key)),
            None => Ok(()),
        }
    }

    pub(super) fn add(&mut self, key: &R::Key, row: &R) {
        self.put(key, (self.value)(row));
    }

    pub(super) fn remove(&mut self, key: &R::Key, row: &R) {
        self.take(key, (self.value)(row));
    }

    pub(super) fn replace(&mut self, old: (&R::Key, &R), new: (&R::Key, &R)) {
        let (before, after) = ((self.value)(old.1), (self.value)(new.1));
        if old.0 != new.0 || before != after {
            self.take(old.0, before);
            self.put(new.0, after);
        }
    }

    fn put(&mut self, key: &R::Key, value: Option<V>) {
        let keys = match value {
            Some(value) => self.keys.entry(value).or_default(),
            None => &mut self.without,
        };
        keys.insert(key.clone());
    }

    fn take(&mut self, key: &R::Key, value: Option<V>) {
        let Some(value) = value else {
            self.without.remove(key);
            return;
        };
        if let Some(keys) = self.keys.get_mut(&value) {
            keys.remove(key);
            if keys.is_empty() {
                self.keys.remove(&value);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.without.clear();
    }
}

impl<R: Row, V: Clone> Clone for IndexEntries<R, V> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            value: self.value,
            uniqueness: self.uniqueness,
            keys: self.keys.clone(),
            without: self.without.clone(),
        }
    }
}

impl<R: Row, V> fmt::Debug for IndexEntries<R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexEntries").field("name", &self.name).finish_non_exhaustive()
    }
}
