mod sink;

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use eventstore_api::{EventStoreBackend, GlobalPosition, ReadAll, StoreError, message_with_causes};
use serde::Serialize;

use self::sink::Sink;
use crate::{
    exit::Exit,
    failure::{Failure, heard_or_not},
    interrupted::{removed_when_interrupted, soon_when_interrupted, unless_interrupted},
    notes::{note, tell_line},
    output::{Output, folder_of, is_seen_on_a_terminal, is_stdout, is_written_aside},
    page::each_event,
    progress::{Progress, Unwanted},
    screen::printable_json,
    store::{self, Location, Place, Store},
};

/// Write all events in their order, as JSON lines or a Parquet file, as import takes them
///
/// In JSON lines, a payload that is not JSON is written as `data_base64` and `encoding`. JSON is written without white space
/// between its parts, and otherwise as it is stored. A file is replaced when the export is complete, and not before; its permissions
/// stay, and so do symbolic links to it. Events that are appended during the export are left out.
#[derive(Args)]
pub(crate) struct ExportArguments {
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    pub(crate) format: Format,

    /// Only the events after this position
    #[arg(long, value_name = "POSITION", default_value_t = 0, hide_default_value = true)]
    pub(crate) after: u64,

    /// Of a damaged store, write every event that is whole, also behind the damage; says what is damaged, and ends with 1.
    /// Not for PostgreSQL, whose files are its server's
    #[arg(long, conflicts_with = "after")]
    pub(crate) salvage: bool,

    /// Print one line of JSON; on standard error where the events go to standard output
    #[arg(long)]
    pub(crate) json: bool,

    /// The file; `-` and `/dev/stdout` are standard output
    #[arg(value_name = "OUT")]
    pub(crate) out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object a line
    Jsonl,
    /// A Parquet file: everything as it is stored, in columns that other tools read
    #[cfg(feature = "parquet")]
    Parquet,
}

pub(crate) async fn run(location: &dyn Location, arguments: ExportArguments) -> Result<Exit, Failure> {
    is_not_among_its_files(location, &arguments.out)?;
    let (is_aside, keeps_files) = (is_written_aside(&arguments.out), location.reader_keeps_files());
    let pauses = !arguments.salvage || keeps_files;
    match (is_aside, pauses) {
        (true, true) => unless_interrupted(export(location, arguments)).await,
        // Who writes into a pipe waits for its reader, and hears no signal meanwhile.
        (false, _) if keeps_files => soon_when_interrupted(export(location, arguments)).await,
        // There is nothing to be taken away, and a signal ends it by itself; or who salvages goes through the files of a store without a
        // pause, and listens in another way.
        _ => export(location, arguments).await,
    }
}

/// Refuses a file in the folder of the store: any name there may be that of a file which the store is made of, now or later.
fn is_not_among_its_files(location: &dyn Location, out: &Path) -> Result<(), Failure> {
    match folder_of(out) {
        Some(folder) if location.is_in(&folder) => Err(Failure::Usage(format!(
            "{} is in the folder of {location}, whose files an export must not replace: name another folder",
            out.display()
        ))),
        _ => Ok(()),
    }
}

async fn export(location: &dyn Location, arguments: ExportArguments) -> Result<Exit, Failure> {
    let ExportArguments { format, after, salvage, json, out } = arguments;
    let report = match salvage {
        true => save_what_is_whole(location, format, &out).await?,
        false => save_all(location, format, after, &out).await?,
    };
    if json {
        heard_or_not(report.tell_programs(&out))?;
    } else {
        for Place { place, detail } in &report.damages {
            tell_line(&format!("damaged: {place}: {detail}"));
        }
    }
    Ok(if report.damages.is_empty() { Exit::Done } else { Exit::Failed })
}

async fn save_all(
    location: &dyn Location,
    format: Format,
    after: u64,
    out: &Path,
) -> Result<Report, Failure> {
    let store = store::open_for_reading_all(location).await?;
    // Before there is a file, and before the first event is read: what is appended meanwhile is more, and never less.
    let counted = if after == 0 { counted(&store).await? } else { None };
    let (mut sink, mut events) = (Sink::new(format, Output::to(out)?)?, 0);
    let mut progress = Progress::unknown().unless(Unwanted(is_seen_on_a_terminal(out)));
    let query = ReadAll::after(GlobalPosition::new(after));
    each_event(&store, query, &mut progress, |event| {
        events += 1;
        sink.event(event)
    })
    .await?;
    drop(progress);
    if let Some(counted) = counted.filter(|counted| events < *counted) {
        return Err(Failure::Incomplete { exported: events, counted });
    }
    store::was_all(location).await?;
    sink.finish()?;
    Ok(Report { events, damages: Vec::new() })
}

/// How many events the store says it has, if it can count. Where something else is damaged than its events, as a snapshot, these are
/// exported all the same.
async fn counted(store: &Store) -> Result<Option<u64>, Failure> {
    match store.stats().await {
        Ok(stats) => Ok(Some(stats.total_events)),
        Err(StoreError::Corrupted { .. } | StoreError::Storage { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn save_what_is_whole(location: &dyn Location, format: Format, out: &Path) -> Result<Report, Failure> {
    // Before there is a file: so none is left.
    let is_dropped = location.reader_keeps_files();
    let removed = match is_written_aside(out) && !is_dropped {
        true => Some(removed_when_interrupted()?),
        false => None,
    };
    let output = Output::to(out)?;
    if let (Some(removed), Some(path)) = (removed, output.file_aside()) {
        let _ = removed.send(path.to_owned());
    }
    let sink = Sink::new(format, output)?;
    let mut progress = Progress::counting_events().unless(Unwanted(is_seen_on_a_terminal(out)));
    salvage(location, sink, &mut progress).await
}

async fn salvage(
    location: &dyn Location,
    mut sink: Sink,
    progress: &mut Progress,
) -> Result<Report, Failure> {
    let (mut written, mut events) = (Ok(()), 0);
    let salvaged = store::salvage(location, &mut |event| {
        if written.is_ok() {
            written = sink.event(event);
            if written.is_ok() {
                events += 1;
                progress.at(events);
            }
        }
    })
    .await;
    let damages = match salvaged {
        Ok(verdict) => verdict.damages,
        // What was saved before is worth as much as with damage behind it.
        Err(Failure::NotChecked { store, source, .. }) if events > 0 => {
            let detail = format!("nothing more could be read: {}", message_with_causes(&source));
            vec![Place { place: store, detail }]
        }
        Err(failure) => return Err(failure),
    };
    if events == 0 && !damages.is_empty() {
        note("no event could be saved, so no file is written");
        return Ok(Report { events, damages });
    }
    heard_or_not(written.and_then(|()| sink.finish()))?;
    Ok(Report { events, damages })
}

/// What was written, and what could not be.
#[derive(Serialize)]
struct Report {
    events: u64,
    damages: Vec<Place>,
}

impl Report {
    /// On standard output, unless that is where the events are.
    fn tell_programs(&self, out: &Path) -> Result<(), Failure> {
        if is_stdout(out) {
            let write = |source| Failure::Write { what: "the report".to_owned(), source };
            let line = serde_json::to_string(self).map_err(|error| write(error.into()))?;
            // If standard error is closed, the exit code is all that can be told.
            let _ = writeln!(io::stderr(), "{}", printable_json(&line));
            return Ok(());
        }
        let mut output = Output::stdout();
        output.json(self)?;
        output.finish()
    }
}

#[cfg(test)]
#[cfg(feature = "wal")]
mod tests {
    use std::{fmt, fs};

    use async_trait::async_trait;
    use eventstore_api::{EventType, ExpectedVersion, NewEvent, StreamId};
    use tempfile::TempDir;

    use super::*;
    use crate::{
        store::{OnEvent, Target, Verdict},
        store_url,
    };

    #[tokio::test]
    async fn a_salvage_counts_the_events_that_it_has_saved() {
        let directory = TempDir::new().unwrap();
        let url = format!("wal:{}", directory.path().join("data").display());
        let location = store_url::parse(Some(&url)).unwrap();
        let store = store::open_for_appending(&*location).await.unwrap();
        for _ in 0..3 {
            let event = NewEvent::new(EventType::new("T").unwrap(), "1");
            store.append(&StreamId::new("s").unwrap(), ExpectedVersion::Any, vec![event]).await.unwrap();
        }
        store.close().await.unwrap();

        let sink =
            Sink::new(Format::Jsonl, Output::to(&directory.path().join("out.jsonl")).unwrap()).unwrap();
        let mut progress = Progress::counting_events().late();
        let report = salvage(&*location, sink, &mut progress).await.unwrap();
        assert_eq!((report.events, progress.shown()), (3, Some((3, None))));
        assert!(report.damages.is_empty());

        let out = directory.path().join("some.jsonl");
        let sink = Sink::new(Format::Jsonl, Output::to(&out).unwrap()).unwrap();
        let cut_short = CutShort(location);
        let report = salvage(&cut_short, sink, &mut progress).await.unwrap();
        assert_eq!(fs::read_to_string(out).unwrap().lines().count(), 3);
        assert_eq!((report.events, report.damages.len()), (3, 1));
        assert_eq!(report.damages[0].place, url);
        assert!(report.damages[0].detail.ends_with("the drive is gone"), "{:?}", report.damages);
    }

    #[tokio::test]
    async fn a_salvage_that_saves_nothing_replaces_no_file() {
        let directory = TempDir::new().unwrap();
        let location = store_url::parse(Some(&format!("wal:{}", directory.path().display()))).unwrap();
        let out = directory.path().join("out.jsonl");
        fs::write(&out, "what was here before").unwrap();
        let sink = Sink::new(Format::Jsonl, Output::to(&out).unwrap()).unwrap();
        let mut progress = Progress::counting_events();
        assert!(salvage(&*location, sink, &mut progress).await.is_err());
        assert_eq!(fs::read_to_string(out).unwrap(), "what was here before");
    }

    /// A store that cannot be read any more behind the events that it shows.
    struct CutShort(Box<dyn Location>);

    impl fmt::Display for CutShort {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)
        }
    }

    #[async_trait(?Send)]
    impl Location for CutShort {
        async fn for_reading(&self) -> eventstore_api::Result<Store> {
            self.0.for_reading().await
        }

        async fn for_writing(&self) -> eventstore_api::Result<Box<dyn Target>> {
            self.0.for_writing().await
        }

        async fn for_appending(&self) -> eventstore_api::Result<Store> {
            self.0.for_appending().await
        }

        async fn verified(&self, progress: &mut Progress) -> eventstore_api::Result<Verdict> {
            self.0.verified(progress).await
        }

        async fn salvaged(&self, show: &mut OnEvent<'_>) -> Option<eventstore_api::Result<Verdict>> {
            let _ = self.0.salvaged(show).await?;
            Some(Err(StoreError::storage(io::Error::other("the drive is gone"))))
        }

        fn bytes(&self) -> Option<u64> {
            None
        }
    }
}
