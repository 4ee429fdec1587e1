use eventstore_api::RecordedEvent;
#[cfg(feature = "parquet")]
use eventstore_parquet::{ParquetError, ParquetOptions, ParquetWriter};

use super::Format;
use crate::{failure::Failure, output::Output};

/// Takes the events of an export, in their order.
pub(super) enum Sink {
    Jsonl(Output),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetWriter<Output>>, Beneath),
}

/// What is known of the output that Parquet is written to.
#[cfg(feature = "parquet")]
pub(super) struct Beneath {
    name: String,
    /// Whether nobody reads what is written.
    is_unread: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Sink {
    pub(super) fn new(format: Format, output: Output) -> Result<Self, Failure> {
        match format {
            Format::Jsonl => Ok(Self::Jsonl(output)),
            #[cfg(feature = "parquet")]
            Format::Parquet if output.is_terminal() => {
                // Payloads stand in it as they are, and a terminal would obey them.
                Err(Failure::Usage(
                    "Parquet is not for a terminal, and would command it: name a file, or have a pipe read it".to_owned(),
                ))
            }
            #[cfg(feature = "parquet")]
            Format::Parquet => {
                let (name, is_unread) = (output.name().to_owned(), output.is_unread());
                let beneath = Beneath { name, is_unread };
                match ParquetWriter::new(output, ParquetOptions::default()) {
                    Ok(writer) => Ok(Self::Parquet(Box::new(writer), beneath)),
                    Err(error) => Err(beneath.failure(error)),
                }
            }
        }
    }

    pub(super) fn event(&mut self, event: RecordedEvent) -> Result<(), Failure> {
        match self {
            Self::Jsonl(output) => output.event(&event),
            #[cfg(feature = "parquet")]
            Self::Parquet(writer, beneath) => writer.write(event).map_err(|error| beneath.failure(error)),
        }
    }

    /// Puts the file in its place.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Jsonl(output) => output.finish(),
            #[cfg(feature = "parquet")]
            Self::Parquet(writer, beneath) => {
                let (output, _) = writer.finish().map_err(|error| beneath.failure(error))?;
                output.finish()
            }
        }
    }
}

#[cfg(feature = "parquet")]
impl Beneath {
    fn failure(&self, error: ParquetError) -> Failure {
        if self.is_unread.load(std::sync::atomic::Ordering::Relaxed) {
            return Failure::NobodyReads;
        }
        let source = match error {
            ParquetError::Io(source) => source,
            other => std::io::Error::other(other),
        };
        Failure::Write { what: self.name.clone(), source }
    }
}

#[cfg(test)]
#[cfg(feature = "parquet")]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_not_written_there() {
        let refused = Sink::new(Format::Parquet, Output::on_a_terminal()).err();
        assert!(matches!(refused, Some(Failure::Usage(_))), "{refused:?}");
        // Lines are escaped there.
        assert!(Sink::new(Format::Jsonl, Output::on_a_terminal()).is_ok());
    }
}
