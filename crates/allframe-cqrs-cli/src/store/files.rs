use std::{io, path::Path};

use eventstore_api::StoreError;

use super::Purpose;
use crate::failure::{Failure, of_the_system};

/// The directory that a URL of this kind names.
pub(super) fn directory(kind: &str, named: &str) -> Result<String, Failure> {
    match named {
        "" => Err(Failure::Usage(format!("`{kind}:` names no directory, as `{kind}:./data` does"))),
        directory => Ok(directory.to_owned()),
    }
}

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

/// The same for every way in which a directory can be named: its number, where it is there and has one, since it may be mounted in two
/// places; else where it really is.
pub(super) fn identity(directory: impl AsRef<Path>) -> String {
    let directory = directory.as_ref();
    if let Some(number) = number(directory) {
        return number;
    }
    let path = directory.canonicalize().or_else(|_| std::path::absolute(directory));
    path.as_deref().unwrap_or(directory).display().to_string()
}

#[cfg(unix)]
fn number(directory: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let metadata = directory.metadata().ok()?;
    Some(format!("{}/{}", metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn number(_: &Path) -> Option<String> {
    None
}

/// What to do where another program has the store open.
pub(super) const IN_USE: &str = "end the program that has the store open, or wait for its end; commands that only read can be run meanwhile";

/// Whether the system has said this.
pub(super) fn is_about(failed: &StoreError, kind: io::ErrorKind) -> bool {
    of_the_system(failed).any(|error| error.kind() == kind)
}

/// What to do where a store could not be opened because of what is there, or is not.
pub(super) fn advice(failed: &StoreError, purpose: Purpose) -> Option<&'static str> {
    if is_about(failed, io::ErrorKind::NotADirectory) {
        return Some("a part of the path is a file; name the directory of a store");
    }
    if is_about(failed, io::ErrorKind::PermissionDenied) {
        return Some("see who may use it, and what is in it (`ls -ld`), or run this as somebody who may");
    }
    is_about(failed, io::ErrorKind::NotFound).then_some(match purpose {
        Purpose::Reading => {
            "name the directory of a store; `import`, `append`, `bench` and `migrate --to` begin one, and what only reads does not"
        }
        Purpose::Writing => {
            "no store can be begun there: see whether the path is right; a relative one begins where the command is run"
        }
    })
}
