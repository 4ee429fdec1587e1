use std::borrow::Borrow;

use super::{Row, Table, UniqueViolation, indexes::sealed::Sealed};

impl<R: Row> Table<R> {
    /// Puts in a row whose key is not there yet.
    ///
    /// # Errors
    /// [`UniqueViolation`] when its key, or its value in a unique index, is that of a row that is there. The table is as
    /// it was, and the row is dropped.
    pub fn insert(&mut self, row: R) -> Result<(), UniqueViolation> {
        let key = row.key();
        if self.rows.contains_key(&key) {
            return Err(UniqueViolation::of_key(&key));
        }
        self.indexes.check(&row, None)?;
        self.indexes.add(&key, &row);
        self.rows.insert(key, row);
        Ok(())
    }

    /// Puts in a row, in place of the one with the same key if there is one, which it returns.
    ///
    /// # Errors
    /// [`UniqueViolation`] when its value in a unique index is that of a row with another key. The table is as it was, and
    /// the row is dropped.
    pub fn upsert(&mut self, row: R) -> Result<Option<R>, UniqueViolation> {
        let key = row.key();
        self.indexes.check(&row, Some(&key))?;
        match self.rows.get(&key) {
            Some(old) => self.indexes.replace((&key, old), (&key, &row)),
            None => self.indexes.add(&key, &row),
        }
        Ok(self.rows.insert(key, row))
    }

    /// Changes the row with this key, and returns it as it is now; `None` when there is none, and `change` is not called.
    ///
    /// Whatever `change` does to the row, the indexes follow, and the row moves when its key is another. It gets a clone,
    /// which takes the row's place when it has returned: if it panics, the table is as it was.
    ///
    /// # Errors
    /// [`UniqueViolation`] when the changed row has the key, or the value in a unique index, of another row. The table is
    /// as it was.
    pub fn update<Q>(&mut self, key: &Q, change: impl FnOnce(&mut R)) -> Result<Option<&R>, UniqueViolation>
    where
        R: Clone,
        R::Key: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let Some((old_key, old)) = self.rows.get_key_value(key) else {
            return Ok(None);
        };
        let mut new = old.clone();
        change(&mut new);
        let new_key = new.key();
        if new_key != *old_key && self.rows.contains_key::<R::Key>(&new_key) {
            return Err(UniqueViolation::of_key(&new_key));
        }
        self.indexes.check(&new, Some(old_key))?;
        self.indexes.replace((old_key, old), (&new_key, &new));
        if new_key != *old_key {
            self.rows.remove(key);
        }
        Ok(Some(self.rows.entry(new_key).insert_entry(new).into_mut()))
    }

    /// Takes out the row with this key.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<R>
    where
        R::Key: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let (key, row) = self.rows.remove_entry(key)?;
        self.indexes.remove(&key, &row);
        Some(row)
    }

    /// Takes out the rows for which `keep` says no. If it panics, the table is as it was.
    pub fn retain(&mut self, mut keep: impl FnMut(&R) -> bool) {
        let gone: Vec<R::Key> =
            self.rows.iter().filter(|(_, row)| !keep(row)).map(|(key, _)| key.clone()).collect();
        for key in &gone {
            self.remove(key);
        }
    }

    /// Takes out every row.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.indexes.clear();
    }
}
