use eventstore_api::RecordedEvent;
#[cfg(feature = "parquet")]
use eventstore_parquet::{ParquetError, ParquetOptions, ParquetWriter};

use super::Format;
use crate::{failure::Failure, output::Output};

/// Takes the events of an export, in their order.
pub(super) enum Sink {
    Jsonl(Output),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetWriter<Output>>, IsUnread),
}

/// Whether nobody reads what is written: the library that writes Parquet makes another error of it.
#[cfg(feature = "parquet")]
type IsUnread = std::sync::Arc<std::sync::atomic::AtomicBool>;

impl Sink {
    pub(super) fn new(format: Format, output: Output) -> Result<Self, Failure> {
        match format {
            Format::Jsonl => Ok(Self::Jsonl(output)),
            #[cfg(feature = "parquet")]
            Format::Parquet => {
                let is_unread = output.is_unread();
                match ParquetWriter::new(output, ParquetOptions::default()) {
                    Ok(writer) => Ok(Self::Parquet(Box::new(writer), is_unread)),
                    Err(error) => Err(failure(error, &is_unread)),
                }
            }
        }
    }

    pub(super) fn event(&mut self, event: RecordedEvent) -> Result<(), Failure> {
        match self {
            Self::Jsonl(output) => output.event(&event),
            #[cfg(feature = "parquet")]
            Self::Parquet(writer, is_unread) => {
                writer.write(event).map_err(|error| failure(error, is_unread))
            }
        }
    }

    /// Puts the file in its place.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Jsonl(output) => output.finish(),
            #[cfg(feature = "parquet")]
            Self::Parquet(writer, is_unread) => {
                writer.finish().map_err(|error| failure(error, &is_unread))?.0.finish()
            }
        }
    }
}

#[cfg(feature = "parquet")]
fn failure(error: ParquetError, is_unread: &IsUnread) -> Failure {
    if is_unread.load(std::sync::atomic::Ordering::Relaxed) {
        return Failure::NobodyReads;
    }
    let what = "the output".to_owned();
    match error {
        ParquetError::Io(source) => Failure::Write { what, source },
        other => Failure::Write { what, source: std::io::Error::other(other) },
    }
}
