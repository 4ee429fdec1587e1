mod sink;

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use eventstore_api::{EventStoreBackend, GlobalPosition, ReadAll};

use self::sink::Sink;
use crate::{
    failure::Failure,
    output::{Output, is_seen_on_a_terminal},
    page::{PAGE_BYTES, PAGE_EVENTS},
    progress::{Progress, Unwanted},
    store::{self, Location, Place},
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

pub(crate) async fn run(location: &dyn Location, arguments: ExportArguments) -> Result<ExitCode, Failure> {
    let ExportArguments { format, after, salvage, out } = arguments;
    if salvage {
        return save_what_is_whole(location, format, &out).await;
    }
    let store = store::open_for_reading(location).await?;
    let mut sink = Sink::new(format, Output::to(&out)?)?;
    // Where a service writes faster than this reads, there would be no end.
    let head = store.head().await?;
    let mut progress =
        Progress::of_events(head.get().saturating_sub(after)).unless(Unwanted(is_seen_on_a_terminal(&out)));

    let mut query = ReadAll::after(GlobalPosition::new(after)).limit(PAGE_EVENTS).max_bytes(PAGE_BYTES);
    loop {
        let page = store.read_all(&query).await?;
        progress.at(page.next.get().saturating_sub(after));
        // Only the end says that nothing is missing: a damaged store has none.
        let is_last = page.end_reached || page.next > head;
        query = query.next_page(&page);
        for event in page.events.into_iter().take_while(|event| event.position <= head) {
            sink.event(event)?;
        }
        if is_last {
            break;
        }
    }
    drop(progress);
    sink.finish()?;
    Ok(ExitCode::SUCCESS)
}

async fn save_what_is_whole(
    location: &dyn Location,
    format: Format,
    out: &Path,
) -> Result<ExitCode, Failure> {
    let mut sink = Sink::new(format, Output::to(out)?)?;
    let mut written = Ok(());
    let verdict = store::salvage(location, &mut |event| {
        if written.is_ok() {
            written = sink.event(event);
        }
    })
    .await?;
    written?;
    sink.finish()?;
    for Place { place, detail } in &verdict.damages {
        let _ = writeln!(io::stderr(), "damaged: {place}: {detail}");
    }
    Ok(if verdict.damages.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
