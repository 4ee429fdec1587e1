//! Schemas of events, compared in CI, where there is no store: with files in the repository.

use std::{error::Error as StdError, fmt, path::PathBuf};

use eventstore_api::message_with_causes;

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

/// The schemas of a type, and the files in a folder that hold those that were released.
///
/// It is what [`EventStore::with_schemas`](crate::EventStore::with_schemas) asks of a store, asked of the repository. New schemas
/// are written there, or refused where the environment says that [this is CI](OnNew::by_environment).
///
/// ```
/// use allframe_cqrs::{event, schema::{CompatibilityMode, testing::SchemaFiles}};
/// use serde::{Deserialize, Serialize};
///
/// #[event(schema)]
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Deposited { amount: u64 }
///
/// # let folder = std::env::temp_dir().join(format!("schemas-{}", std::process::id()));
/// # allframe_cqrs::schema::files::write(&folder, &<Deposited as allframe_cqrs::schema::EventSchemas>::schemas()[0]).unwrap();
/// // In a test of yours: `in_folder("schemas")`.
/// SchemaFiles::<Deposited>::in_folder(&folder).with_mode(CompatibilityMode::FullTransitive).assert();
/// assert!(folder.join("Deposited.v1.json").exists());
/// # std::fs::remove_dir_all(folder).unwrap();
/// ```
pub struct SchemaFiles<E> {
    folder: PathBuf,
    mode: CompatibilityMode,
    versions: VersionRegistry<E>,
    on_new: OnNew,
}

impl<E: Event + EventSchemas> SchemaFiles<E> {
    /// The files in this folder, compared by the default mode, [`CompatibilityMode::BackwardTransitive`]. A relative path begins at the
    /// root of the package, where `cargo test` runs its tests.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            mode: CompatibilityMode::default(),
            versions: VersionRegistry::new(),
            on_new: OnNew::by_environment(),
        }
    }

    /// The same, compared by this mode.
    #[must_use]
    pub fn with_mode(mut self, mode: CompatibilityMode) -> Self {
        self.mode = mode;
        self
    }

    /// The same, read with these upcasters beside those that stand with the type.
    #[must_use]
    pub fn with_versions(mut self, versions: VersionRegistry<E>) -> Self {
        self.versions = versions;
        self
    }

    /// The same, with this said of schemas that are new, whatever the environment says.
    #[must_use]
    pub fn on_new(mut self, on_new: OnNew) -> Self {
        self.on_new = on_new;
        self
    }

    /// Fails the test unless the schemas fit the files.
    ///
    /// # Panics
    ///
    /// With everything that does not fit, field by field, and with the files that are new, in CI.
    #[track_caller]
    #[expect(clippy::panic, reason = "it is an assertion")]
    pub fn assert(&self) {
        if let Err(error) = self.check() {
            panic!("{}", message_with_causes(&error));
        }
    }

    /// Whether the schemas fit the files; the files that were written.
    ///
    /// # Errors
    ///
    /// [`SchemaFilesError`]; nothing was written then, unless the file system refused in the middle of it.
    pub fn check(&self) -> Result<Vec<PathBuf>, SchemaFilesError> {
        let reader = EventReader::with(self.versions.clone()).map_err(SchemaFilesError::Versioning)?;
        let mut histories: Vec<SchemaHistory> = Vec::new();
        for (name, schemas) in by_name(files::read(&self.folder).map_err(SchemaFilesError::File)?) {
            histories.push(SchemaHistory::released(&name, schemas));
        }
        let derived = E::schemas();
        judge_of_type(&reader, &derived, histories.iter(), self.mode)
            .map_err(SchemaFilesError::Incompatible)?;
        let is_shown = |schema: &&EventSchema| {
            histories.iter().any(|history| {
                history.event_type == schema.event_type
                    && history.shows(schema, IsWritten::among(&derived, schema))
            })
        };
        let new: Vec<_> = derived.iter().filter(|schema| !is_shown(schema)).collect();
        match self.on_new {
            OnNew::Refuse if !new.is_empty() => {
                let files = new.into_iter().map(|schema| files::path_of(&self.folder, schema));
                Err(SchemaFilesError::New(files.collect()))
            }
            _ => {
                let written = new.into_iter().map(|schema| files::write(&self.folder, schema));
                written.collect::<Result<_, _>>().map_err(SchemaFilesError::File)
            }
        }
    }
}

impl<E> fmt::Debug for SchemaFiles<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SchemaFiles")
            .field("folder", &self.folder)
            .field("mode", &self.mode)
            .field("versions", &self.versions)
            .field("on_new", &self.on_new)
            .finish()
    }
}
