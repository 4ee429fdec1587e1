//! Looks at what may be moving: a store that another process writes.

use std::{fs, path::Path};

use eventstore_api::{Result, StoreError, message_with_causes};

/// How often it is looked before that is given up.
const LOOKS: usize = 8;

/// The files of a store: others when some have come or gone.
pub(crate) fn files(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|it| it.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Looks until what is seen can be relied on: nothing is wrong, or no file has come or gone meanwhile, or the same is wrong
/// again. Of a file that is gone since RocksDB read the list of files, and of what it held, nobody can say whether it was lost.
pub(crate) fn reliably<T>(files: impl Fn() -> Vec<String>, mut look: impl FnMut() -> Result<T>) -> Result<T> {
    let mut last_words = None;
    for _ in 0..LOOKS {
        let before = files();
        let error = match look() {
            Err(error) if before != files() => error,
            answer => return answer,
        };
        let words = Some(message_with_causes(&error));
        if words == last_words {
            return Err(error);
        }
        last_words = words;
    }
    let words = last_words.unwrap_or_default();
    Err(StoreError::unavailable(format!(
        "another process changes the store faster than it can be looked at; do so when it rests, or look at a copy. The last \
         look ended so: {words}"
    )))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn lost(file: usize) -> StoreError {
        StoreError::Corrupted { place: "here".to_owned(), detail: format!("file {file} is missing") }
    }

    /// What looking comes to, and how often it was looked, where each look loses this file and others may come and go.
    fn looks(
        comes_and_goes: impl Fn(usize) -> usize,
        lost_in: impl Fn(usize) -> Option<usize>,
    ) -> (Result<()>, usize) {
        let looked = Cell::new(0);
        let answer = reliably(
            || vec![comes_and_goes(looked.get()).to_string()],
            || {
                looked.set(looked.get() + 1);
                lost_in(looked.get()).map_or(Ok(()), |file| Err(lost(file)))
            },
        );
        (answer, looked.get())
    }

    #[test]
    fn what_is_wrong_where_nothing_moves_is_wrong() {
        let (answer, looked) = looks(|_| 7, |_| Some(3));
        assert!(matches!(answer, Err(StoreError::Corrupted { .. })) && looked == 1, "{answer:?}");
    }

    #[test]
    fn what_is_wrong_in_passing_is_not_wrong() {
        let (answer, looked) = looks(|look| look, |look| (look < 3).then_some(look));
        assert!(answer.is_ok() && looked == 3, "{answer:?} {looked}");
    }

    #[test]
    fn what_is_wrong_again_is_wrong() {
        let (answer, looked) = looks(|look| look, |_| Some(3));
        assert!(matches!(answer, Err(StoreError::Corrupted { .. })) && looked == 2, "{answer:?} {looked}");
    }

    #[test]
    fn what_never_rests_is_not_called_damaged() {
        let (answer, looked) = looks(|look| look, Some);
        assert!(
            matches!(answer, Err(StoreError::Unavailable { .. })) && looked == LOOKS,
            "{answer:?} {looked}"
        );
    }
}
