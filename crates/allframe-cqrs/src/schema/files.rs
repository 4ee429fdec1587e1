//! Schemas as files, `<name>.v<version>.json`: in a repository, where a change of one is seen by people.
//!
//! A file holds the stored name, the version, what is written and, where it is another, what is read, as JSON with the keys in
//! order, so that a change shows as that and nothing else.
//!
//! ```
//! use allframe_cqrs::{event, schema::{EventSchemas, files}};
//!
//! #[event(schema)]
//! #[derive(Clone, serde::Serialize, serde::Deserialize)]
//! struct Deposited { amount: u64 }
//!
//! let folder = tempfile::tempdir()?;
//! for schema in Deposited::schemas() {
//!     let file = files::write(folder.path(), &schema)?;
//!     assert!(file.ends_with("Deposited.v1.json"));
//! }
//! let found = files::read(folder.path())?;
//! assert_eq!(found[0].fingerprint, Deposited::schemas()[0].fingerprint);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::EventSchema;
use crate::{command::sorted, file_name::file_name};

/// Why a file with a schema was not read or written.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaFileError {
    /// The operating system refused.
    #[error("`{}` cannot be {}", .path.display(), .what)]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was to be done with it: `read`, `written`.
        what: &'static str,
        /// What it answered.
        source: Arc<io::Error>,
    },
    /// It holds something else.
    #[error("`{}` holds no schema of an event; correct it, or delete it and have it written anew", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Arc<serde_json::Error>,
    },
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Content {
    event_type: String,
    version: u32,
    #[serde(flatten)]
    latest: Revision,
    /// What the version was before it changed in ways that broke nothing, from old to new.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<Revision>,
}

#[derive(Serialize, Deserialize)]
struct Revision {
    schema: Value,
    /// Where another is read than is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read_schema: Option<Value>,
}

/// The schemas in a folder, by name and version, those of one version from old to new. A folder that is not there has none, and
/// files that do not end in `.json` are none.
///
/// # Errors
///
/// [`SchemaFileError`].
pub fn read(folder: &Path) -> Result<Vec<EventSchema>, SchemaFileError> {
    let failed = |source| io_error(folder, "read", source);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut schemas = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            schemas.extend(read_file(&path)?);
        }
    }
    schemas.sort_by(|one, other| {
        (&one.event_type, one.schema_version).cmp(&(&other.event_type, other.schema_version))
    });
    Ok(schemas)
}

/// All schemas of a version, from old to new.
fn read_file(path: &Path) -> Result<Vec<EventSchema>, SchemaFileError> {
    let text = fs::read(path).map_err(|source| io_error(path, "read", source))?;
    let content: Content = serde_json::from_slice(&text)
        .map_err(|source| SchemaFileError::Content { path: path.to_owned(), source: Arc::new(source) })?;
    let Content { event_type, version, latest, earlier } = content;
    let revisions = earlier.into_iter().chain([latest]).map(|Revision { schema, read_schema }| {
        let read_schema = read_schema.unwrap_or_else(|| schema.clone());
        EventSchema::new(event_type.clone(), version, schema, read_schema)
    });
    Ok(revisions.collect())
}

/// Writes a schema into its file, in a folder that is made if it is not there; which file that is. What the file held before stays
/// in it, as what the version was before: events of that form are still stored.
///
/// # Errors
///
/// [`SchemaFileError`].
pub fn write(folder: &Path, schema: &EventSchema) -> Result<PathBuf, SchemaFileError> {
    fs::create_dir_all(folder).map_err(|source| io_error(folder, "made", source))?;
    let path = path_of(folder, schema);
    let mut earlier = match path.exists() {
        true => read_file(&path)?,
        false => Vec::new(),
    };
    earlier.retain(|before| before.fingerprint != schema.fingerprint);
    let text = text_of(schema, &earlier)
        .map_err(|source| SchemaFileError::Content { path: path.clone(), source: Arc::new(source) })?;
    fs::write(&path, text).map_err(|source| io_error(&path, "written", source))?;
    Ok(path)
}

/// The file of a schema in a folder.
#[must_use]
pub fn path_of(folder: &Path, schema: &EventSchema) -> PathBuf {
    folder.join(format!("{}.v{}.json", file_name(&schema.event_type), schema.schema_version))
}

fn text_of(schema: &EventSchema, earlier: &[EventSchema]) -> serde_json::Result<String> {
    let revision = |schema: &EventSchema| {
        let differs = schema.read_schema != schema.schema;
        Revision { schema: schema.schema.clone(), read_schema: differs.then(|| schema.read_schema.clone()) }
    };
    let content = Content {
        event_type: schema.event_type.clone().into_owned(),
        version: schema.schema_version,
        latest: revision(schema),
        earlier: earlier.iter().map(revision).collect(),
    };
    // `#` is the form of JSON that is indented.
    Ok(format!("{:#}\n", sorted(serde_json::to_value(content)?)))
}

fn io_error(path: &Path, what: &'static str, source: io::Error) -> SchemaFileError {
    SchemaFileError::Io { path: path.to_owned(), what, source: Arc::new(source) }
}
