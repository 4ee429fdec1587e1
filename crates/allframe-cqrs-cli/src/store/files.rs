use std::{io, path::Path};

use eventstore_api::StoreError;

use super::Purpose;
use crate::failure::of_the_system;

/// How many bytes the chosen files of a store's directory take; a store has no others below it.
pub(super) fn bytes(directory: &str, is_chosen: impl Fn(&str) -> bool) -> Option<u64> {
    let mut sum = 0;
    for entry in Path::new(directory).read_dir().ok()? {
        let Ok(entry) = entry else { continue };
        let is_chosen = is_chosen(&entry.file_name().to_string_lossy());
        // What is gone by now takes nothing.
        if let Ok(file) = entry.metadata()
            && file.is_file()
            && is_chosen
        {
            sum += file.len();
        }
    }
    Some(sum)
}

/// Where a directory really is, if it is there.
pub(super) fn identity(directory: &str) -> String {
    let path = Path::new(directory).canonicalize().or_else(|_| std::path::absolute(directory));
    path.map_or_else(|_| directory.to_owned(), |path| path.display().to_string())
}

/// What to do where another program has the store open.
pub(super) const IN_USE: &str = "end the program that has the store open, or wait for its end; commands that only read can be run meanwhile";

/// What to do where a store could not be opened because it is not there.
pub(super) fn advice(failed: &StoreError, purpose: Purpose) -> Option<&'static str> {
    let is_about = |kind| of_the_system(failed).any(|error| error.kind() == kind);
    if is_about(io::ErrorKind::NotADirectory) {
        return Some("a part of the path is a file; name the directory of a store");
    }
    is_about(io::ErrorKind::NotFound).then_some(match purpose {
        Purpose::Reading => {
            "name the directory of a store; `import`, `append`, `bench` and `migrate --to` begin one, and what only reads does not"
        }
        Purpose::Writing => {
            "no store can be begun there: see whether the path is right; a relative one begins where the command is run"
        }
    })
}
