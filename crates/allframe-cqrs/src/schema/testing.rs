//! Schemas of events, compared in CI, where there is no store: with files in the repository.

use std::{error::Error as StdError, fmt, fmt::Write as _, path::Path, path::PathBuf};

use super::{
    CompatibilityMode, EventSchema, EventSchemas, IncompatibleSchemas, SchemaHistory,
    check::judge_of_type,
    files::{self, SchemaFileError},
    registry::{IsWritten, by_name},
};
use crate::{
    Event, VersionRegistry, VersioningError,
    versioning::{EventReader, testing::is_unattended},
};

/// What becomes of a schema that has no file yet, or one whose file is of before a change that breaks nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnNew {
    /// Its file is written, for people to look at and to commit.
    Write,
    /// It is an error: nobody would see the file.
    Refuse,
}

impl OnNew {
    /// `Refuse` where the environment says that this is CI, by a variable `CI` that is neither empty nor `false` nor `0`; else
    /// `Write`.
    #[must_use]
    pub fn by_environment() -> Self {
        if is_unattended() { Self::Refuse } else { Self::Write }
    }
}

/// Why schemas do not fit the files of those that were released.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SchemaFilesError {
    /// What has changed breaks something.
    Incompatible(IncompatibleSchemas),
    /// These have no file, or one that is of before a change. Run the test where there is no CI, and commit what it writes.
    New(Vec<PathBuf>),
    /// The type does not read all of its versions.
    Versioning(VersioningError),
    /// A file cannot be read or written.
    File(SchemaFileError),
}

impl fmt::Display for SchemaFilesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incompatible(error) => error.fmt(f),
            Self::New(files) => {
                f.write_str(
                    "schemas have changed that their files do not show; run this test on your machine, and commit what it writes",
                )?;
                files.iter().try_for_each(|file| write!(f, "\n- {}", file.display()))
            }
            Self::Versioning(error) => error.fmt(f),
            Self::File(error) => error.fmt(f),
        }
    }
}

impl StdError for SchemaFilesError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::File(error) => error.source(),
            _ => None,
        }
    }
}

/// Asserts that the schemas of a type fit the files in a folder, which hold those that were released. New ones are written there,
/// or refused where the environment says that [this is CI](OnNew::by_environment).
///
/// It is what [`EventStore::with_schemas`](crate::EventStore::with_schemas) asks of a store, asked of the repository. Of
/// upcasters it knows those that stand with the type: `#[event(upcasters = path)]`.
///
/// ```
/// use allframe_cqrs::{event, schema::{CompatibilityMode, testing::assert_compatible}};
/// use serde::{Deserialize, Serialize};
///
/// #[event(schema)]
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Deposited { amount: u64 }
///
/// # let folder = std::env::temp_dir().join(format!("schemas-{}", std::process::id()));
/// # allframe_cqrs::schema::files::write(&folder, &<Deposited as allframe_cqrs::schema::EventSchemas>::schemas()[0]).unwrap();
/// // In a test: `concat!(env!("CARGO_MANIFEST_DIR"), "/schemas")`.
/// assert_compatible::<Deposited>(&folder, CompatibilityMode::FullTransitive);
/// assert!(folder.join("Deposited.v1.json").exists());
/// # std::fs::remove_dir_all(folder).unwrap();
/// ```
///
/// # Panics
///
/// With everything that does not fit, field by field, and with the files that are new, in CI.
#[track_caller]
#[expect(clippy::panic, reason = "it is an assertion")]
pub fn assert_compatible<E: Event + EventSchemas>(folder: impl AsRef<Path>, mode: CompatibilityMode) {
    if let Err(error) = check_files::<E>(folder.as_ref(), mode, OnNew::by_environment()) {
        let mut message = error.to_string();
        if let Some(cause) = error.source() {
            // Writing to a text does not fail.
            let _ = write!(message, ": {cause}");
        }
        panic!("{message}");
    }
}

/// The same, for whoever handles the error; the files that were written.
///
/// # Errors
///
/// [`SchemaFilesError`]; nothing was written then, unless the file system refused in the middle of it.
pub fn check_files<E: Event + EventSchemas>(
    folder: &Path,
    mode: CompatibilityMode,
    on_new: OnNew,
) -> Result<Vec<PathBuf>, SchemaFilesError> {
    let reader = EventReader::with(VersionRegistry::<E>::new()).map_err(SchemaFilesError::Versioning)?;
    let mut histories: Vec<SchemaHistory> = Vec::new();
    for (name, schemas) in by_name(files::read(folder).map_err(SchemaFilesError::File)?) {
        histories.push(SchemaHistory::released(&name, schemas));
    }
    let derived = E::schemas();
    judge_of_type(&reader, &derived, histories.iter(), mode).map_err(SchemaFilesError::Incompatible)?;
    let is_shown = |schema: &&EventSchema| {
        histories.iter().any(|history| {
            history.event_type == schema.event_type
                && history.shows(schema, IsWritten::among(&derived, schema))
        })
    };
    let new: Vec<_> = derived.iter().filter(|schema| !is_shown(schema)).collect();
    match on_new {
        OnNew::Refuse if !new.is_empty() => {
            Err(SchemaFilesError::New(new.into_iter().map(|schema| files::path_of(folder, schema)).collect()))
        }
        _ => {
            let written = new.into_iter().map(|schema| files::write(folder, schema));
            written.collect::<Result<_, _>>().map_err(SchemaFilesError::File)
        }
    }
}
