use std::{fmt, io::Write, ops::RangeInclusive, sync::Arc};

use arrow2::{
    array::Array,
    io::parquet::write::{
        CompressedPage, CompressionOptions, Compressor, DynIter, DynStreamingIterator,
        FallibleStreamingIterator as _, FileWriter, KeyValue, Version, WriteOptions, ZstdLevel,
        array_to_columns,
    },
};
use eventstore_api::{GlobalPosition, RecordedEvent};
use parking_lot::Mutex;

use crate::{
    checksum::{Count, EventsChecksum, Measured},
    encode,
    error::ParquetError,
    footer::{CHECKSUM_KEY, FORMAT, FORMAT_KEY, RowGroup, SUMMARY_KEY, Summary, checksum_of},
    schema::{self, COLUMNS},
};

/// How a file is laid out. The default suits reading by position, and tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParquetOptions {
    /// At most how many events a row group holds, 1 to 1,048,576; 16,384 by default. It is what is read at once.
    pub row_group_events: usize,
    /// From how many bytes of payloads on a row group is full, 1 KiB to 256 MiB; 16 MiB by default.
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
    file: FileWriter<Measured<W>>,
    count: Arc<Mutex<Count>>,
    options: ParquetOptions,
    /// Of the next row group.
    events: Vec<RecordedEvent>,
    payload_bytes: usize,
    last_position: GlobalPosition,
    checksum: EventsChecksum,
    summary: Summary,
}

impl<W: Write> ParquetWriter<W> {
    /// Begins a file. Nothing is written before there are enough events for a row group.
    ///
    /// # Errors
    ///
    /// [`ParquetError::NotWritten`] when the encoder refuses.
    pub fn new(output: W, options: ParquetOptions) -> Result<Self, ParquetError> {
        let options = ParquetOptions {
            row_group_events: options.row_group_events.clamp(*EVENTS.start(), *EVENTS.end()),
            row_group_bytes: options.row_group_bytes.clamp(*BYTES.start(), *BYTES.end()),
            compression_level: options.compression_level.clamp(*LEVELS.start(), *LEVELS.end()),
        };
        let (output, count) = Measured::new(output);
        let file = FileWriter::try_new(output, schema::schema(), write_options(options)?);
        Ok(Self {
            file: file.map_err(ParquetError::not_written)?,
            count,
            options,
            events: Vec::new(),
            payload_bytes: 0,
            last_position: GlobalPosition::START,
            checksum: EventsChecksum::default(),
            summary: Summary::default(),
        })
    }

    /// Adds an event behind the others.
    ///
    /// # Errors
    ///
    /// [`ParquetError::OutOfOrder`] when its position does not rise, and nothing has happened then;
    /// [`ParquetError::Io`] or [`ParquetError::NotWritten`] when a row group was full and could not be written: the file is
    /// of no use then.
    pub fn write(&mut self, event: RecordedEvent) -> Result<(), ParquetError> {
        let (position, before) = (event.position, self.last_position);
        if position <= before {
            return Err(ParquetError::OutOfOrder { position, before });
        }
        self.last_position = position;
        self.payload_bytes += event.payload.len();
        self.events.push(event);
        let is_full = self.events.len() >= self.options.row_group_events
            || self.payload_bytes >= self.options.row_group_bytes;
        if is_full { self.write_row_group() } else { Ok(()) }
    }

    /// Ends the file, and flushes the output.
    ///
    /// # Errors
    ///
    /// As [`ParquetWriter::write`].
    pub fn finish(mut self) -> Result<(W, Summary), ParquetError> {
        self.write_row_group()?;
        self.summary.events_checksum = self.checksum.finish();
        let summary = serde_json::to_string(&self.summary).map_err(ParquetError::not_written)?;
        let checksum = checksum_of(&summary);
        let key_values = [(FORMAT_KEY, FORMAT.to_string()), (CHECKSUM_KEY, checksum), (SUMMARY_KEY, summary)];
        let key_values = key_values.map(|(key, value)| KeyValue { key: key.to_owned(), value: Some(value) });
        self.file.end(Some(key_values.to_vec())).map_err(writing)?;
        let mut output = self.file.into_inner().into_inner();
        output.flush()?;
        Ok((output, self.summary))
    }

    fn write_row_group(&mut self) -> Result<(), ParquetError> {
        let events = std::mem::take(&mut self.events);
        self.payload_bytes = 0;
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
        let offset = self.count.lock().bytes;
        let pages = self.pages(encode::columns(&events)?)?;
        self.file.write(DynIter::new(pages.into_iter().map(Ok))).map_err(writing)?;
        let (end, checksum) = {
            let mut count = self.count.lock();
            (count.bytes, std::mem::take(&mut count.hasher).finalize())
        };
        events.iter().for_each(|event| self.checksum.add(event));
        let streams = || events.iter().map(|event| event.stream.as_str());
        let times = || events.iter().map(|event| event.recorded_at.as_micros());
        self.summary.events += events.len() as u64;
        self.summary.row_groups.push(RowGroup {
            events: events.len() as u64,
            first_position: first.position.get(),
            last_position: last.position.get(),
            first_stream: streams().min().unwrap_or_default().to_owned(),
            last_stream: streams().max().unwrap_or_default().to_owned(),
            first_recorded_at: times().min().unwrap_or_default(),
            last_recorded_at: times().max().unwrap_or_default(),
            offset,
            length: end - offset,
            checksum,
        });
        Ok(())
    }
}

impl<W: Write> ParquetWriter<W> {
    /// The pages of each column, which are compressed as they are asked for.
    fn pages(&self, columns: Vec<Box<dyn Array>>) -> Result<Vec<Pages>, ParquetError> {
        let fields = self.file.parquet_schema().fields();
        let mut all = Vec::with_capacity(columns.len());
        for ((values, field), column) in columns.into_iter().zip(fields).zip(&COLUMNS) {
            let options =
                WriteOptions { write_statistics: column.has_statistics, ..write_options(self.options)? };
            let encoding = column.encoding_of(&*values);
            let leaves = array_to_columns(values, field.clone(), options, &[encoding]);
            for pages in leaves.map_err(ParquetError::not_written)? {
                let pages = pages.map(|page| page.map_err(Into::into));
                let compressed = Compressor::new(DynIter::new(pages), options.compression, Vec::new());
                all.push(DynStreamingIterator::new(compressed.map_err(arrow2::error::Error::from)));
            }
        }
        Ok(all)
    }
}

type Pages = DynStreamingIterator<'static, CompressedPage, arrow2::error::Error>;

fn write_options(options: ParquetOptions) -> Result<WriteOptions, ParquetError> {
    let level = ZstdLevel::try_new(options.compression_level).map_err(ParquetError::not_written)?;
    Ok(WriteOptions {
        // Those of each page would be said again at the end of the file.
        write_statistics: false,
        version: Version::V2,
        compression: CompressionOptions::Zstd(Some(level)),
        data_pagesize_limit: None,
    })
}

/// What kept the file from being written: mostly what it is written to.
fn writing(error: arrow2::error::Error) -> ParquetError {
    match error {
        arrow2::error::Error::Io(error) => error.into(),
        other => ParquetError::not_written(other),
    }
}

impl<W: Write> fmt::Debug for ParquetWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetWriter")
            .field("options", &self.options)
            .field("events", &(self.summary.events + self.events.len() as u64))
            .finish_non_exhaustive()
    }
}
