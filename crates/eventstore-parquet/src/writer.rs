use std::{fmt, io::Write, ops::RangeInclusive};

use eventstore_api::RecordedEvent;

use crate::{error::ParquetError, file_writer::FileWriter, footer::Summary};

/// How a file is laid out. The default suits reading by position, and tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParquetOptions {
    /// At most how many events a row group holds, 1 to 1,048,576; 16,384 by default. It is what is read at once.
    pub row_group_events: usize,
    /// From how many bytes of payloads, metadata and tags on a row group is full, 1 KiB to 256 MiB; 16 MiB by default. While it is
    /// written, it is in memory encoded, too.
    pub row_group_bytes: usize,
    /// How hard zstd tries, 1 to 22; 3 by default.
    pub compression_level: i32,
}

impl Default for ParquetOptions {
    fn default() -> Self {
        Self { row_group_events: 16_384, row_group_bytes: 16 << 20, compression_level: 3 }
    }
}

const EVENTS: RangeInclusive<usize> = 1..=1 << 20;
const BYTES: RangeInclusive<usize> = 1 << 10..=256 << 20;
const LEVELS: RangeInclusive<i32> = 1..=22;

/// Writes recorded events to a Parquet file.
///
/// ```
/// use eventstore_api::{EventType, GlobalPosition, NewEvent, Placement, StreamId, Timestamp, Version};
/// use eventstore_parquet::{ParquetOptions, ParquetReader, ParquetWriter};
///
/// let event = NewEvent::new(EventType::new("Opened")?, r#"{"by":"ann"}"#).record(Placement {
///     stream: StreamId::new("account-7")?,
///     version: Version::new(1),
///     position: GlobalPosition::new(1),
///     recorded_at: Timestamp::now(),
/// });
/// let mut writer = ParquetWriter::new(Vec::new(), ParquetOptions::default())?;
/// writer.write(event.clone())?;
/// let (file, summary) = writer.finish()?;
/// assert_eq!(summary.events, 1);
///
/// let mut reader = ParquetReader::open(std::io::Cursor::new(file))?;
/// assert_eq!(reader.read_row_group(0)?, [event]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ParquetWriter<W: Write> {
    output: W,
    file: FileWriter,
}

impl<W: Write> ParquetWriter<W> {
    /// Begins a file. Nothing is written before there are enough events for a row group.
    ///
    /// # Errors
    ///
    /// [`ParquetError::NotWritten`] when zstd or arrow2 refuses.
    pub fn new(output: W, options: ParquetOptions) -> Result<Self, ParquetError> {
        let options = ParquetOptions {
            row_group_events: options.row_group_events.clamp(*EVENTS.start(), *EVENTS.end()),
            row_group_bytes: options.row_group_bytes.clamp(*BYTES.start(), *BYTES.end()),
            compression_level: options.compression_level.clamp(*LEVELS.start(), *LEVELS.end()),
        };
        Ok(Self { output, file: FileWriter::new(options)? })
    }

    /// Adds an event behind the others.
    ///
    /// # Errors
    ///
    /// [`ParquetError::OutOfOrder`] when its position does not rise, and nothing has happened then;
    /// [`ParquetError::Io`] or [`ParquetError::NotWritten`] when a row group was full and could not be written: the file is
    /// of no use then.
    pub fn write(&mut self, event: RecordedEvent) -> Result<(), ParquetError> {
        self.file.write(event, &mut self.output)
    }

    /// Adds events behind the others, as a row group of their own, or as several where they are more than one may hold. They
    /// stay the caller's: it is he who gives their memory back.
    ///
    /// ```
    /// use eventstore_api::{EventType, GlobalPosition, NewEvent, Placement, StreamId, Timestamp, Version};
    /// use eventstore_parquet::{ParquetOptions, ParquetWriter};
    ///
    /// let events = [NewEvent::new(EventType::new("Opened")?, "{}").record(Placement {
    ///     stream: StreamId::new("account-7")?,
    ///     version: Version::new(1),
    ///     position: GlobalPosition::new(1),
    ///     recorded_at: Timestamp::now(),
    /// })];
    /// let mut writer = ParquetWriter::new(Vec::new(), ParquetOptions::default())?;
    /// writer.write_row_group(&events)?;
    /// let (_, summary) = writer.finish()?;
    /// assert_eq!((summary.events, summary.row_groups.len()), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`ParquetWriter::write`]; what stands before an event that is out of order may be written then.
    pub fn write_row_group(&mut self, events: &[RecordedEvent]) -> Result<(), ParquetError> {
        self.file.write_row_group(events, &mut self.output)
    }

    /// Ends the file, and flushes the output.
    ///
    /// # Errors
    ///
    /// As [`ParquetWriter::write`].
    pub fn finish(self) -> Result<(W, Summary), ParquetError> {
        let Self { mut output, file } = self;
        let summary = file.finish(&mut output)?;
        Ok((output, summary))
    }
}

/// How much an event counts towards [`ParquetOptions::row_group_bytes`]: what of it can be long, in bytes.
#[must_use]
pub fn event_bytes(RecordedEvent { payload, metadata, tags, .. }: &RecordedEvent) -> usize {
    let entries = metadata.iter().map(|(name, value)| name.len() + value.len());
    payload.len() + entries.sum::<usize>() + tags.iter().map(|tag| tag.as_str().len()).sum::<usize>()
}

impl<W: Write> fmt::Debug for ParquetWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetWriter")
            .field("options", self.file.options())
            .field("events", &self.file.event_count())
            .finish_non_exhaustive()
    }
}
