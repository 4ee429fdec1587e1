use eventstore_api::RecordedEvent;
#[cfg(feature = "parquet")]
use eventstore_parquet::{ParquetError, ParquetOptions, ParquetWriter};

use super::Format;
use crate::{failure::Failure, output::Output};

/// Takes the events of an export, in their order.
pub(super) enum Sink {
    Jsonl(Output),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetWriter<Output>>),
}

impl Sink {
    pub(super) fn new(format: Format, output: Output) -> Result<Self, Failure> {
        match format {
            Format::Jsonl => Ok(Self::Jsonl(output)),
            #[cfg(feature = "parquet")]
            Format::Parquet => {
                let writer = ParquetWriter::new(output, ParquetOptions::default());
                writer.map(|writer| Self::Parquet(Box::new(writer))).map_err(failure)
            }
        }
    }

    pub(super) fn event(&mut self, event: RecordedEvent) -> Result<(), Failure> {
        match self {
            Self::Jsonl(output) => output.event(&event),
            #[cfg(feature = "parquet")]
            Self::Parquet(writer) => writer.write(event).map_err(failure),
        }
    }

    /// Puts the file in its place.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Jsonl(output) => output.finish(),
            #[cfg(feature = "parquet")]
            Self::Parquet(writer) => writer.finish().map_err(failure)?.0.finish(),
        }
    }
}

#[cfg(feature = "parquet")]
fn failure(error: ParquetError) -> Failure {
    let (what, source) = ("the output".to_owned(), error);
    match source {
        ParquetError::Io(source) if source.kind() == std::io::ErrorKind::BrokenPipe => Failure::NobodyReads,
        ParquetError::Io(source) => Failure::Write { what, source },
        other => Failure::Write { what, source: std::io::Error::other(other) },
    }
}
