use std::{
    fmt::Display,
    fs::{self, DirEntry},
    path::Path,
};

use allframe_cqrs::schema::{
    CompatibilityMode, EventSchema, RegisteredSchema, SchemaError, SchemaHistory, SchemaRegistry, files,
    incompatible_releases,
};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::{Failure, all_told, heard_or_not},
    interrupted::soon_when_interrupted,
    output::Output,
    redacted::redacted,
    screen::printable,
    store::{self, Store},
    store_url,
};

/// Show the schemas of events that are registered in a store, and compare schemas
///
/// Programs that make their stores with schemas register them there. Names, versions and modes are those of the events.
#[derive(Args)]
pub(crate) struct SchemasArguments {
    #[command(subcommand)]
    pub(crate) command: SchemasCommand,
}

#[derive(Subcommand)]
pub(crate) enum SchemasCommand {
    /// Name all events of which schemas are registered, with their versions and modes
    List {
        /// Print one line of JSON for each
        #[arg(long)]
        json: bool,
    },
    /// Show the JSON schema of an event as it is written
    Show {
        /// The name under which the event is stored
        name: String,

        /// Which version of it; the highest where none is said
        version: Option<u32>,

        /// As it is read instead: what may be missing is not required there
        #[arg(long)]
        read: bool,

        /// Print it in one line
        #[arg(long)]
        json: bool,
    },
    /// Say what has changed from one version of an event to another
    Diff {
        /// The name under which the event is stored
        name: String,

        /// The earlier version
        from: u32,

        /// The later version
        to: u32,

        /// Print one line of JSON for each change
        #[arg(long)]
        json: bool,
    },
    /// Check that schemas which are to be released fit those that were; ends with 1 where they do not
    ///
    /// Each side is a folder of schema files, `NAME.vN.json`, as the tests of a program write them, or the URL of a store. That
    /// upcasters read the versions before today's, the program itself checks when it starts.
    Check {
        /// The schemas that were released: a folder, or a store
        #[arg(value_name = "OLD")]
        old: String,

        /// The schemas that are to be
        #[arg(value_name = "NEW")]
        new: String,

        /// Who has to read what whom wrote: none, backward, forward, full, or one of these with `_transitive`
        #[arg(long, default_value = "backward_transitive")]
        mode: CompatibilityMode,

        /// Print one line of JSON for each problem
        #[arg(long)]
        json: bool,
    },
}

impl SchemasArguments {
    /// Whether a program reads what is printed.
    pub(crate) fn is_for_programs(&self) -> bool {
        match self.command {
            SchemasCommand::List { json }
            | SchemasCommand::Diff { json, .. }
            | SchemasCommand::Show { json, .. }
            | SchemasCommand::Check { json, .. } => json,
        }
    }
}

pub(crate) async fn run(store: Option<&str>, arguments: SchemasArguments) -> Result<Exit, Failure> {
    // Of whatever kind the stores are: readers of some keep files elsewhere, which go with them.
    soon_when_interrupted(look(store, arguments)).await
}

async fn look(store: Option<&str>, arguments: SchemasArguments) -> Result<Exit, Failure> {
    match arguments.command {
        SchemasCommand::List { json } => list(&opened(store).await?, json).await?,
        SchemasCommand::Show { name, version, read, json } => {
            show(&registry(store).await?, &name, version, read, json).await?;
        }
        SchemasCommand::Diff { name, from, to, json } => {
            let differences = registry(store).await?.diff(&name, from, to).await?;
            tell(&differences, json, "nothing has changed")?;
        }
        SchemasCommand::Check { old, new, mode, json } => return check(&old, &new, mode, json).await,
    }
    Ok(Exit::Done)
}

async fn registry(store: Option<&str>) -> Result<SchemaRegistry<Store>, Failure> {
    Ok(SchemaRegistry::new(opened(store).await?))
}

async fn opened(store: Option<&str>) -> Result<Store, Failure> {
    let location = store_url::parse(store)?;
    store::open_for_reading(&*location).await
}

/// An event in the list.
#[derive(Serialize)]
struct Listed<'a> {
    event_type: &'a str,
    versions: Vec<u32>,
    mode: CompatibilityMode,
    fingerprint: String,
}

async fn list(store: &Store, json: bool) -> Result<(), Failure> {
    let (histories, unreadable) = histories(store).await?;
    heard_or_not(print(&histories, json))?;
    // What can be shown has been.
    all_told(unreadable)
}

/// Those that can be read, and why others cannot: these hide none.
async fn histories(store: &Store) -> Result<(Vec<SchemaHistory>, Vec<SchemaError>), Failure> {
    let registry = SchemaRegistry::new(store.clone());
    match registry.list().await {
        Ok(all) => return Ok((all, Vec::new())),
        Err(SchemaError::Unreadable { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let (mut histories, mut unreadable) = (Vec::new(), Vec::new());
    for name in registry.names().await? {
        match registry.history(&name).await {
            Ok(history) => histories.push(history),
            Err(error @ SchemaError::Unreadable { .. }) => unreadable.push(error),
            Err(error) => return Err(error.into()),
        }
    }
    Ok((histories, unreadable))
}

fn print(histories: &[SchemaHistory], json: bool) -> Result<(), Failure> {
    let mut output = Output::stdout();
    if histories.is_empty() && !json {
        output.line("there are no registered schemas")?;
    }
    let width = histories.iter().map(|history| printable(&history.event_type).chars().count()).max();
    for history in histories {
        let Some(listed) = listed(history) else { continue };
        if json {
            output.json(&listed)?;
            continue;
        }
        let versions: Vec<String> = listed.versions.iter().map(ToString::to_string).collect();
        let (name, width) = (printable(listed.event_type), width.unwrap_or_default());
        output.line(format!("{name:<width$}  {:<20}  {}", listed.mode, versions.join(", ")))?;
    }
    output.finish()
}

fn listed(history: &SchemaHistory) -> Option<Listed<'_>> {
    let RegisteredSchema { schema, mode, .. } = history.latest()?;
    Some(Listed {
        event_type: &history.event_type,
        versions: history.versions(),
        mode: history.mode.unwrap_or(*mode),
        fingerprint: schema.fingerprint.to_string(),
    })
}

async fn show(
    registry: &SchemaRegistry<Store>,
    name: &str,
    version: Option<u32>,
    read: bool,
    json: bool,
) -> Result<(), Failure> {
    let found = match version {
        Some(version) => registry.fetch(name, version).await?,
        None => registry.latest(name).await?,
    };
    let found = found.ok_or_else(|| match version {
        Some(schema_version) => {
            SchemaError::NotRegistered { event_type: name.to_owned(), schema_version }.into()
        }
        None => Failure::NoSchema(name.to_owned()),
    })?;
    let EventSchema { schema, read_schema, .. } = found.schema;
    let schema = if read { read_schema } else { schema };
    let mut output = Output::stdout();
    match json {
        true => output.json(&schema)?,
        false => lines(&mut output, &format!("{schema:#}"))?,
    }
    output.finish()
}

/// Names and words of schemas are those of whoever wrote the store.
fn lines(output: &mut Output, text: &str) -> Result<(), Failure> {
    text.lines().try_for_each(|line| output.line(printable(line)))
}

async fn check(old: &str, new: &str, mode: CompatibilityMode, json: bool) -> Result<Exit, Failure> {
    let (released, candidates) = (schemas_at(old).await?, schemas_at(new).await?);
    if candidates.is_empty() {
        let (new, old) = (redacted(new), redacted(old));
        return Err(Failure::Usage(match released.is_empty() {
            true => format!("there is nothing to compare: neither `{old}` nor `{new}` holds schemas"),
            false => format!("`{new}` holds no schemas, and `{old}` does"),
        }));
    }
    let compared = format!("{} with {} that were released", candidates.len(), released.len());
    let problems = incompatible_releases(released, candidates, mode);
    heard_or_not(tell(&problems, json, &format!("the schemas fit together: compared {compared}")))?;
    Ok(if problems.is_empty() { Exit::Done } else { Exit::Failed })
}

/// The schemas in a folder, or those that are registered in a store.
async fn schemas_at(place: &str) -> Result<Vec<EventSchema>, Failure> {
    let folder = Path::new(place);
    if folder.is_dir() {
        let schemas = files::read(folder).map_err(|error| Failure::open(place, error))?;
        if schemas.is_empty() && holds_something_else(folder) {
            let place = redacted(place);
            return Err(Failure::Usage(format!(
                "the folder `{place}` holds files, and none of a schema, `NAME.vN.json`; a store is named by its URL, as `wal:{place}`"
            )));
        }
        return Ok(schemas);
    }
    let location = store_url::parse(Some(place)).map_err(|failure| match failure {
        Failure::Usage(text) => {
            Failure::Usage(format!("there is no folder `{}`, and {text}", redacted(place)))
        }
        other => other,
    })?;
    let registry = SchemaRegistry::new(store::open_for_reading(&*location).await?);
    let registered = registry.list().await?.into_iter().flat_map(|history| history.schemas);
    Ok(registered.map(|registered| registered.schema).collect())
}

/// Whether there are files in a folder without schemas, as in that of a store. What only keeps a folder in a repository is none.
fn holds_something_else(folder: &Path) -> bool {
    let is_hidden = |entry: &DirEntry| entry.file_name().to_string_lossy().starts_with('.');
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|entry| !is_hidden(&entry)))
}

/// One line, or several, for each, or these words where there is none.
fn tell<T: Display + Serialize>(all: &[T], json: bool, none: &str) -> Result<(), Failure> {
    let mut output = Output::stdout();
    for one in all {
        match json {
            true => output.json(one)?,
            false => lines(&mut output, &one.to_string())?,
        }
    }
    if all.is_empty() && !json {
        output.line(none)?;
    }
    output.finish()
}
