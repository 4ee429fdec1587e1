use super::{IndexEntries, IndexValue, Row, UniqueViolation};

/// Every index of a row type, kept in step as one. Only tuples that `#[derive(Row)]` writes, and `()`, are this.
pub trait RowIndexes<R: Row>: Clone + sealed::Sealed<R> {}

impl<R: Row, I: Clone + sealed::Sealed<R>> RowIndexes<R> for I {}

pub(super) mod sealed {
    use super::{Row, UniqueViolation};

    /// Sealed, so that only what keeps its word about uniqueness is told of the rows.
    pub trait Sealed<R: Row> {
        fn check(&self, row: &R, replaced: Option<&R::Key>) -> Result<(), UniqueViolation>;
        fn add(&mut self, key: &R::Key, row: &R);
        fn remove(&mut self, key: &R::Key, row: &R);
        fn replace(&mut self, old: (&R::Key, &R), new: (&R::Key, &R));
        fn clear(&mut self);
    }
}

impl<R: Row> sealed::Sealed<R> for () {
    fn check(&self, _: &R, _: Option<&R::Key>) -> Result<(), UniqueViolation> {
        Ok(())
    }

    fn add(&mut self, _: &R::Key, _: &R) {}

    fn remove(&mut self, _: &R::Key, _: &R) {}

    fn replace(&mut self, _: (&R::Key, &R), _: (&R::Key, &R)) {}

    fn clear(&mut self) {}
}

impl<R: Row, V: IndexValue, Rest: sealed::Sealed<R>> sealed::Sealed<R> for (IndexEntries<R, V>, Rest) {
    fn check(&self, row: &R, replaced: Option<&R::Key>) -> Result<(), UniqueViolation> {
        self.0.check(row, replaced)?;
        self.1.check(row, replaced)
    }

    fn add(&mut self, key: &R::Key, row: &R) {
        self.0.add(key, row);
        self.1.add(key, row);
    }

    fn remove(&mut self, key: &R::Key, row: &R) {
        self.0.remove(key, row);
        self.1.remove(key, row);
    }

    fn replace(&mut self, old: (&R::Key, &R), new: (&R::Key, &R)) {
        self.0.replace(old, new);
        self.1.replace(old, new);
    }

    fn clear(&mut self) {
        self.0.clear();
        self.1.clear();
    }
}
