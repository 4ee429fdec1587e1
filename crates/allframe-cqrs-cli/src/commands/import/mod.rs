//! Appends the events of a file, in their order: of JSON lines, or of Parquet.

mod append;
mod batch;
mod lines;
#[cfg(feature = "parquet")]
mod rows;

use std::{
    fmt,
    fs::{File, Metadata},
    io::{self, BufReader, IsTerminal, Read},
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::Instant,
};

use clap::Args;
use eventstore_api::EventStoreBackend;
use serde::Serialize;
use tokio::sync::mpsc;

pub(super) use self::lines::LONGEST_LINE;
use self::{append::Appender, batch::Batch, lines::Lines};
use crate::{
    aside::aside,
    failure::Failure,
    output::Output,
    progress::Progress,
    store::{self, Location, Measure, Target},
};

/// Append the events of a file in their order: one JSON object a line, or a Parquet file of events
///
/// A Parquet file, as export writes it, is known by its first bytes. It needs the feature `parquet`, and cannot come through
/// standard input. What follows is about lines; ids, batches and `--ack` are the same for both.
///
/// A line has `stream`, `type` and `data` (any JSON), and optionally `id` (a UUID; one is made where there is none),
/// `metadata` (an object of strings), `tags` (a list of `key:value`) and `schema_version` (1 where it is not said). In the
/// place of `data` there may be `data_base64` and `encoding` (a number), for payloads that are not JSON. `version`,
/// `position` and `recorded_at`, which export writes, are ignored: the store gives its own. Any other field is an error.
///
/// Lines with an id are safe to import again: what is in the store already is counted, and not stored twice. Lines without
/// one are new events every time. The import stops at the first bad line; what stands before it is imported.
///
/// The lines become durable in batches of up to 10,000 events or 8 MiB; with `--ack` of up to 1,000 or 1 MiB, but in a PostgreSQL
/// store.
#[derive(Args)]
pub(crate) struct ImportArguments {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Print `acked N` after each batch that is durable; N counts the lines taken so far
    #[arg(long)]
    pub(crate) ack: bool,

    /// Print one line of JSON, and with `--ack` one for each batch before
    #[arg(long)]
    pub(crate) json: bool,
}

/// How many batches are parsed ahead of the one that is appended.
const BATCHES_AHEAD: usize = 2;
const READ_BUFFER_BYTES: usize = 256 << 10;

pub(crate) async fn run(location: &dyn Location, arguments: ImportArguments) -> Result<(), Failure> {
    let began = Instant::now();
    let source = Source::open(&arguments.file)?;
    let target = store::open_for_writing(location).await?;
    import(&*target, source, &arguments).await?;
    if io::stderr().is_terminal() {
        aside(&format!("in {:.2} s", began.elapsed().as_secs_f64()));
    }
    Ok(())
}

/// Brings all of it into a store, and closes that.
async fn import(target: &dyn Target, source: Source, arguments: &ImportArguments) -> Result<(), Failure> {
    let ImportArguments { ack, json, .. } = *arguments;
    let mut progress = Progress::of_bytes(source.bytes);
    let mut appender = Appender::new(target, source.name.clone()).await?;
    let measure = if ack { target.measure() } else { target.measure().unheard() };
    let (mut batches, parsing) = parse_ahead(source, measure)?;
    let mut output = Output::stdout();
    let imported = async {
        while let Some(batch) = batches.recv().await {
            let batch = batch?;
            appender.append(&batch.lines).await?;
            if ack {
                let acked = appender.taken();
                let told = match json {
                    true => output.json(&Acked { acked }),
                    false => output.line(format!("acked {acked}")),
                };
                told.and_then(|()| output.flush()).map_err(must_be_heard)?;
            }
            progress.at(batch.bytes_read);
        }
        // A file is at its end when whoever reads it says so, not when nothing comes any more.
        parsing.join().map_err(|_| Failure::System {
            what: "cannot read on",
            source: io::Error::other("the thread that reads has panicked"),
        })
    }
    .await;
    drop(progress);
    let closed = target.store().close().await;

    let report = Report { imported: appender.imported(), already_there: appender.already_there() };
    if let Err(failure) = imported {
        // How far it came is told beside what went wrong, if it can be.
        if json {
            let _ = output.json(&report).and_then(|()| output.finish());
        } else {
            aside(&format!("{report}, before it failed"));
        }
        store::note_if_not_closed(&closed);
        return Err(failure);
    }
    closed?;
    match (json, ack) {
        (true, _) => output.json(&report)?,
        (false, false) => output.line(report.to_string())?,
        // Standard output has nothing but what is acknowledged.
        (false, true) => aside(&report.to_string()),
    }
    output.finish()
}

/// What an import has done.
#[derive(Serialize)]
struct Report {
    imported: u64,
    already_there: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "imported {}, already there {}", self.imported, self.already_there)
    }
}

/// That so many lines are durable.
#[derive(Serialize)]
struct Acked {
    acked: u64,
}

/// An import is not done because nobody hears that it is.
fn must_be_heard(failure: Failure) -> Failure {
    match failure {
        Failure::NobodyReads => Failure::Write {
            what: "standard output, where batches are acknowledged".to_owned(),
            source: io::ErrorKind::BrokenPipe.into(),
        },
        other => other,
    }
}

/// What is imported.
struct Source {
    name: String,
    content: Content,
    /// Zero where that is not known.
    bytes: u64,
}

enum Content {
    Lines(Box<dyn Read + Send>),
    #[cfg(feature = "parquet")]
    Rows(File),
}

impl Content {
    fn of(file: File, metadata: &Metadata) -> io::Result<Self> {
        #[cfg(feature = "parquet")]
        if metadata.is_file() {
            let mut file = file;
            return Ok(match rows::is_parquet(&mut file)? {
                true => Self::Rows(file),
                false => Self::Lines(Box::new(file)),
            });
        }
        let _ = metadata;
        Ok(Self::Lines(Box::new(file)))
    }
}

impl Source {
    /// The file at this path; `-` is standard input.
    fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            let content = Content::Lines(Box::new(io::stdin()));
            return Ok(Self { name: "standard input".to_owned(), content, bytes: 0 });
        }
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| {
            let metadata = file.metadata()?;
            // Elsewhere that opens, and fails at the first read.
            if metadata.is_dir() {
                Err(io::ErrorKind::IsADirectory.into())
            } else {
                Ok((Content::of(file, &metadata)?, metadata.len()))
            }
        });
        match opened {
            Ok((content, bytes)) => Ok(Self { name, content, bytes }),
            Err(error) => Err(Failure::open(name, error)),
        }
    }
}

type Batches = mpsc::Receiver<Result<Batch, Failure>>;

/// Reads and parses on a thread of its own, while the store writes.
fn parse_ahead(source: Source, measure: Measure) -> Result<(Batches, JoinHandle<()>), Failure> {
    let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
    let Source { name, content, .. } = source;
    let parse = move || match content {
        Content::Lines(reader) => parse_lines(reader, name, measure, &sender),
        #[cfg(feature = "parquet")]
        Content::Rows(file) => {
            rows::parse(file, &name, measure, |batch| sender.blocking_send(batch).is_ok());
        }
    };
    let parsing = thread::Builder::new().name("import-lines".to_owned()).spawn(parse);
    let parsing = parsing.map_err(|source| Failure::System { what: "cannot start a thread", source })?;
    Ok((batches, parsing))
}

fn parse_lines(
    reader: Box<dyn Read + Send>,
    name: String,
    measure: Measure,
    sender: &mpsc::Sender<Result<Batch, Failure>>,
) {
    let mut lines = Lines::new(BufReader::with_capacity(READ_BUFFER_BYTES, reader), name);
    loop {
        let (batch, end) = batch::next(&mut lines, measure);
        // Nobody takes them any more where the import has failed.
        let is_taken = batch.lines.is_empty() || sender.blocking_send(Ok(batch)).is_ok();
        match end {
            Ok(batch::More::Yes) if is_taken => {}
            Ok(_) => return,
            Err(failure) => {
                let _ = sender.blocking_send(Err(failure));
                return;
            }
        }
    }
}

#[cfg(test)]
#[cfg(feature = "memory")]
mod tests {
    use async_trait::async_trait;
    use eventstore_api::{AppendBatch, Appended, Result as StoreResult, StoreError, StreamAppend};
    use eventstore_memory::InMemoryBackend;

    use super::*;
    use crate::{
        aside::heard,
        store::{
            Store,
            erring::{Asked, Erring},
        },
    };

    struct OneByOne(Store);

    #[async_trait(?Send)]
    impl Target for OneByOne {
        fn store(&self) -> &Store {
            &self.0
        }

        fn measure(&self) -> Measure {
            Measure { events: 1, bytes: 1 }
        }

        async fn append_in_order(&self, appends: Vec<StreamAppend>) -> StoreResult<Vec<Appended>> {
            let mut batch = AppendBatch::new();
            batch.appends = appends;
            self.0.append_all(batch).await
        }
    }

    #[tokio::test]
    async fn an_import_that_fails_says_too_that_its_store_cannot_be_closed() {
        heard::take();
        let store: Store = Erring::new(InMemoryBackend::new(), |asked| match asked {
            Asked::Close => Some(StoreError::storage("no space left on device")),
            _ => None,
        });
        let lines = &b"{\"stream\":\"s\",\"type\":\"T\",\"data\":1}\nno line\n"[..];
        let source = Source { name: "lines".to_owned(), content: Content::Lines(Box::new(lines)), bytes: 0 };
        let arguments = ImportArguments { file: PathBuf::new(), ack: false, json: false };
        let failure = import(&OneByOne(store), source, &arguments).await.unwrap_err();
        assert_eq!(failure.to_string(), "lines:2");
        assert_eq!(
            heard::take(),
            [
                "imported 1, already there 0, before it failed",
                "note: the store could not be closed either: the storage failed: no space left on device"
            ]
        );
    }
}
