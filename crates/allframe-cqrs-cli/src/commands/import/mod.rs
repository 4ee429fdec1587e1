//! Appends the events of a file, in their order: of JSON lines, or of Parquet.

mod ahead;
mod append;
mod batch;
mod lines;
#[cfg(feature = "parquet")]
mod rows;
mod source;

use std::{
    fmt,
    io::{self, IsTerminal},
    path::PathBuf,
    time::Instant,
};

use clap::Args;
use eventstore_api::EventStoreBackend;
use serde::Serialize;

pub(super) use self::lines::LONGEST_LINE;
use self::{ahead::parse_ahead, append::Appender, source::Source};
use crate::{
    failure::{Failure, IMPORT_AGAIN},
    interrupted::Interrupted,
    notes::tell_line,
    output::Output,
    store::{self, Location, Target},
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

pub(crate) async fn run(location: &dyn Location, arguments: ImportArguments) -> Result<(), Failure> {
    let began = Instant::now();
    let source = Source::open(&arguments.file)?;
    let target = store::open_for_writing(location).await?;
    import(&*target, source, &arguments, Interrupted::listen_to_hangups_too()?).await?;
    if io::stderr().is_terminal() {
        tell_line(&format!("in {:.2} s", began.elapsed().as_secs_f64()));
    }
    Ok(())
}

/// Brings all of it into a store, unless it is interrupted between two batches, and closes that.
async fn import(
    target: &dyn Target,
    source: Source,
    arguments: &ImportArguments,
    mut interrupted: Interrupted,
) -> Result<(), Failure> {
    let ImportArguments { ack, json, .. } = *arguments;
    let mut progress = source.progress();
    let mut appender = Appender::new(target, source.name.clone());
    let measure = if ack { target.measure() } else { target.measure().unheard() };
    let (mut batches, parsing) = parse_ahead(source, measure)?;
    let mut output = Output::stdout();
    let imported = async {
        loop {
            let batch = tokio::select! {
                biased;
                // Whoever reads may wait for ever for more, and is not waited for.
                exit = interrupted.wait() => {
                    return Err(Failure::Interrupted { what: "the import", exit, hint: IMPORT_AGAIN });
                }
                batch = batches.recv() => batch,
            };
            let Some(batch) = batch.transpose()? else { break };
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

    let report = Report {
        imported: appender.imported(),
        already_there: appender.already_there(),
        at_least: appender.may_be_more(),
    };
    if let Err(failure) = imported {
        // How far it came is told beside what went wrong, if it can be.
        if json {
            let _ = output.json(&report).and_then(|()| output.finish());
        } else {
            let how = match failure {
                Failure::Interrupted { .. } => "was interrupted",
                _ => "failed",
            };
            tell_line(&format!("{report}, before it {how}"));
        }
        store::note_if_not_closed(&closed);
        return Err(match failure {
            // They say it in their own words.
            Failure::BadLine { .. } | Failure::Interrupted { .. } => failure,
            #[cfg(feature = "parquet")]
            Failure::BadFile { .. } => failure,
            failure if report.has_begun() => Failure::CutImport(Box::new(failure)),
            failure => failure,
        });
    }
    closed?;
    match (json, ack) {
        (true, _) => output.json(&report)?,
        (false, false) => output.line(report.to_string())?,
        // Standard output has nothing but what is acknowledged.
        (false, true) => tell_line(&report.to_string()),
    }
    output.finish()
}

/// What an import has done.
#[derive(Serialize)]
struct Report {
    imported: u64,
    already_there: u64,
    /// Whether there may be more: the outcome of an append is not known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    at_least: bool,
}

impl Report {
    /// Whether lines are in the store, or may be.
    fn has_begun(&self) -> bool {
        self.imported + self.already_there > 0 || self.at_least
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { imported, already_there, at_least } = self;
        let imported_of_them = if *at_least { "imported at least" } else { "imported" };
        write!(f, "{imported_of_them} {imported}, already there {already_there}")
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

#[cfg(test)]
#[cfg(feature = "memory")]
mod tests {
    use async_trait::async_trait;
    use eventstore_api::{
        AppendBatch, Appended, Result as StoreResult, StoreError, StreamAppend, message_with_causes,
    };
    use eventstore_memory::InMemoryBackend;

    use super::{source::Content, *};
    use crate::{
        notes::heard,
        store::{
            Measure, Store,
            erring::{Asked, Erring, target_of},
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

        async fn append_in_order(
            &self,
            appends: Vec<StreamAppend>,
            answers: &mut Vec<Appended>,
        ) -> StoreResult<()> {
            let mut batch = AppendBatch::new();
            batch.appends = appends;
            answers.extend(self.0.append_all(batch).await?);
            Ok(())
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
        let source =
            Source { name: "lines".to_owned(), content: Content::Lines(Box::new(lines)), bytes: None };
        let arguments = ImportArguments { file: PathBuf::new(), ack: false, json: false };
        let interrupted = Interrupted::heard(None);
        let failure = import(&OneByOne(store), source, &arguments, interrupted).await.unwrap_err();
        assert_eq!(failure.to_string(), "lines:2");
        assert_eq!(
            heard::take(),
            [
                "imported 1, already there 0, before it failed",
                "note: the store could not be closed either: the storage failed: no space left on device"
            ]
        );
    }

    /// What is told of an import whose second append has this fault, and what it fails with.
    async fn cut(fault: fn(Asked) -> Option<StoreError>) -> (Vec<String>, Failure) {
        heard::take();
        let target = target_of(Erring::new(InMemoryBackend::new(), fault));
        let line = |stream| format!("{{\"stream\":\"{stream}\",\"type\":\"T\",\"data\":1}}\n");
        let lines = ["s", "t", "s"].map(line).concat();
        let content = Content::Lines(Box::new(io::Cursor::new(lines)));
        let source = Source { name: "lines".to_owned(), content, bytes: None };
        let arguments = ImportArguments { file: PathBuf::new(), ack: false, json: false };
        let failure = import(&*target, source, &arguments, Interrupted::heard(None)).await.unwrap_err();
        (heard::take(), failure)
    }

    #[tokio::test]
    async fn an_import_that_fails_within_a_batch_says_how_much_of_it_is_there_and_how_to_go_on() {
        let (told, failure) = cut(|asked| match asked {
            Asked::Append(1) => Some(StoreError::storage("no space left on device")),
            _ => None,
        })
        .await;
        assert_eq!(told, ["imported 2, already there 0, before it failed"]);
        assert!(matches!(failure, Failure::CutImport(_)), "{failure:?}");
        assert_eq!(message_with_causes(&failure), "the storage failed: no space left on device");
    }

    #[tokio::test(start_paused = true)]
    async fn where_it_is_not_known_how_much_is_there_it_is_said_how_much_is_at_the_least() {
        let (told, _) = cut(|asked| match asked {
            Asked::Append(1..) => Some(StoreError::outcome_unknown("the line went dead")),
            _ => None,
        })
        .await;
        assert_eq!(told, ["imported at least 2, already there 0, before it failed"]);
        let report = |at_least| serde_json::to_string(&Report { imported: 2, already_there: 0, at_least });
        assert_eq!(report(true).unwrap(), r#"{"imported":2,"already_there":0,"at_least":true}"#);
        assert_eq!(report(false).unwrap(), r#"{"imported":2,"already_there":0}"#);
    }
}
