//! Names with `*` in them, as cargo and file systems have them.

use std::fs;
use std::path::{Path, PathBuf};

/// Whether `name` is one that `pattern` means: `*` stands for any letters, also for none.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(tail) = name.strip_prefix(start) else { return false };
    tail.char_indices()
        .map(|(at, _)| at)
        .chain([tail.len()])
        .any(|at| tail.get(at..).is_some_and(|it| matches(rest, it)))
}

/// The directories below `root` that `pattern` means, in the order of their names. A `*` does not reach across a `/`.
pub(crate) fn directories(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    for part in pattern.split('/') {
        found = found.iter().flat_map(|folder| subdirectories(folder, part)).collect();
    }
    found
}

/// What cannot be read holds nothing for us.
fn subdirectories(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = entries(folder, pattern);
    found.retain(|it| it.is_dir());
    found
}

/// What `folder` holds under a name that `pattern` means, sorted. A folder that cannot be read holds nothing.
pub(crate) fn entries(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_meant = |path: &PathBuf| {
        path.file_name().and_then(|it| it.to_str()).is_some_and(|name| matches(pattern, name))
    };
    let mut found: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|it| it.path()).filter(is_meant).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_letters_and_everything_else_is_itself() {
        assert!(matches("eventstore-*", "eventstore-wal") && matches("*", "") && matches("a*c*e", "abcde"));
        assert!(
            !matches("eventstore-*", "xtask") && !matches("lib*.so", "libclang.so.1") && !matches("a", "ab")
        );
        assert!(matches("*é*", "né") && !matches("*é", "ne"));
    }

    #[test]
    fn a_star_in_a_path_is_one_directory() {
        let root = tempfile::tempdir().unwrap();
        for path in ["llvm-14/lib", "llvm-16/lib", "other/lib", "llvm-14/deep/lib"] {
            fs::create_dir_all(root.path().join(path)).unwrap();
        }
        fs::write(root.path().join("llvm-file"), "").unwrap();
        let expected = ["llvm-14/lib", "llvm-16/lib"].map(|it| root.path().join(it));
        assert_eq!(directories(root.path(), "llvm-*/lib"), expected);
        assert!(directories(root.path(), "none/lib").is_empty());
    }
}
