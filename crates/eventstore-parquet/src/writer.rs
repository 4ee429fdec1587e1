use std::{collections::BTreeSet, fmt, io::Write, ops::RangeInclusive, sync::Arc};

use arrow2::io::parquet::write::{DynIter, FileWriter, KeyValue};
use eventstore_api::{GlobalPosition, RecordedEvent};
use parking_lot::Mutex;
use parquet_format_safe::{
    ColumnOrder, FileMetaData, TypeDefinedOrder,
    thrift::protocol::{TCompactInputProtocol, TCompactOutputProtocol},
};

use crate::{
    checksum::{Count, EventsChecksum, Measured},
    directory::PageDirectory,
    error::ParquetError,
    footer::{CHECKSUM_KEY, FORMAT, FORMAT_KEY, PAGES_KEY, RowGroup, SUMMARY_KEY, Summary, checksum_of},
    schema::{self, COLUMN_COUNT},
    write_pages::{PAGE_EVENTS, PageCutter, WRITE_OPTIONS, measuring},
};

/// How a file is laid out. The default suits reading by position, and tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParquetOptions {
    /// At most how many events a row group holds, 1 to 1,048,576; 16,384 by default. It is what is read at once.
    pub row_group_events: usize,
    /// From how many bytes of payloads, metadata and tags on a row group is full, 1 KiB to 256 MiB; 16 MiB by default.
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
    cutter: PageCutter,
    directory: PageDirectory,
    options: ParquetOptions,
    /// Of the next row group.
    events: Vec<RecordedEvent>,
    event_bytes: usize,
    last_position: GlobalPosition,
    checksum: EventsChecksum,
    summary: Summary,
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
        let (output, count) = Measured::new(output);
        let file = FileWriter::try_new(output, schema::schema(), WRITE_OPTIONS);
        let file = file.map_err(ParquetError::not_written)?;
        let cutter = PageCutter::new(options.compression_level, file.parquet_schema())?;
        Ok(Self {
            file,
            count,
            cutter,
            directory: PageDirectory::new(PAGE_EVENTS),
            options,
            events: Vec::new(),
            event_bytes: 0,
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
        self.check_position(event.position)?;
        self.event_bytes += event_bytes(&event);
        self.events.push(event);
        let is_full = self.events.len() >= self.options.row_group_events
            || self.event_bytes >= self.options.row_group_bytes;
        if is_full { self.end_row_group() } else { Ok(()) }
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
        self.end_row_group()?;
        for group in events.chunks(self.options.row_group_events) {
            for RecordedEvent { position, .. } in group {
                self.check_position(*position)?;
            }
            self.encode(group)?;
        }
        Ok(())
    }

    /// Ends the file, and flushes the output.
    ///
    /// # Errors
    ///
    /// As [`ParquetWriter::write`].
    pub fn finish(mut self) -> Result<(W, Summary), ParquetError> {
        self.end_row_group()?;
        self.summary.events_checksum = self.checksum.finish();
        let summary = serde_json::to_string(&self.summary).map_err(ParquetError::not_written)?;
        let pages = self.directory.to_text();
        let key_values = [
            (FORMAT_KEY, FORMAT.to_string()),
            (CHECKSUM_KEY, checksum_of(&summary, &pages)),
            (SUMMARY_KEY, summary),
            (PAGES_KEY, pages),
        ];
        let key_values = key_values.map(|(key, value)| KeyValue { key: key.to_owned(), value: Some(value) });
        self.count.lock().held = Some(Vec::new());
        self.file.end(Some(key_values.to_vec())).map_err(writing)?;
        let end = self.count.lock().held.take().unwrap_or_default();
        let mut output = self.file.into_inner().into_inner();
        output.write_all(&with_column_orders(&end)?)?;
        output.flush()?;
        Ok((output, self.summary))
    }

    /// That a position rises; takes it for the last then.
    fn check_position(&mut self, position: GlobalPosition) -> Result<(), ParquetError> {
        let before = self.last_position;
        if position <= before {
            return Err(ParquetError::OutOfOrder { position, before });
        }
        self.last_position = position;
        Ok(())
    }

    fn end_row_group(&mut self) -> Result<(), ParquetError> {
        self.event_bytes = 0;
        let events = std::mem::take(&mut self.events);
        self.encode(&events)
    }

    fn encode(&mut self, events: &[RecordedEvent]) -> Result<(), ParquetError> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
        let columns = self.cutter.cut(events)?.map(|pages| measuring(pages, &self.count));
        let mut written = <[_; COLUMN_COUNT]>::default();
        let mut all = Vec::with_capacity(COLUMN_COUNT);
        for ((pages, place), written) in columns.into_iter().zip(&mut written) {
            all.push(Ok(pages));
            *written = place;
        }
        self.file.write(DynIter::new(all.into_iter())).map_err(writing)?;
        self.directory.push(written.map(|place| std::mem::take(&mut *place.lock())));
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
            event_types: types_of(events),
        });
        Ok(())
    }
}

/// How much an event counts towards [`ParquetOptions::row_group_bytes`]: what of it can be long, in bytes.
#[must_use]
pub fn event_bytes(RecordedEvent { payload, metadata, tags, .. }: &RecordedEvent) -> usize {
    let entries = metadata.iter().map(|(name, value)| name.len() + value.len());
    payload.len() + entries.sum::<usize>() + tags.iter().map(|tag| tag.as_str().len()).sum::<usize>()
}

/// The types of some events, unless there are many.
fn types_of(events: &[RecordedEvent]) -> Option<Vec<String>> {
    const MANY: usize = 64;
    let mut types = BTreeSet::new();
    let mut last = None;
    for event in events {
        if last.replace(&event.event_type) != Some(&event.event_type) {
            types.insert(event.event_type.as_str());
        }
        if types.len() > MANY {
            return None;
        }
    }
    Some(types.into_iter().map(ToOwned::to_owned).collect())
}

/// The end of a file that says in which order values are, without which other tools must not believe its statistics. arrow2
/// leaves it out.
fn with_column_orders(end: &[u8]) -> Result<Vec<u8>, ParquetError> {
    let short = || ParquetError::not_written("the end of the file is cut off");
    let (rest, magic) = end.split_last_chunk::<4>().ok_or_else(short)?;
    let (rest, length) = rest.split_last_chunk::<4>().ok_or_else(short)?;
    let begin = rest.len().checked_sub(u32::from_le_bytes(*length) as usize).ok_or_else(short)?;
    let (before, metadata) = rest.split_at_checked(begin).ok_or_else(short)?;
    let mut input = TCompactInputProtocol::new(metadata, metadata.len().saturating_mul(2) + 1_024);
    let mut metadata = FileMetaData::read_from_in_protocol(&mut input).map_err(ParquetError::not_written)?;
    let leaves = metadata.schema.iter().filter(|element| element.num_children.is_none());
    metadata.column_orders = Some(leaves.map(|_| ColumnOrder::TYPEORDER(TypeDefinedOrder {})).collect());
    let mut encoded = Vec::new();
    metadata
        .write_to_out_protocol(&mut TCompactOutputProtocol::new(&mut encoded))
        .map_err(ParquetError::not_written)?;
    let length = u32::try_from(encoded.len()).map_err(ParquetError::not_written)?;
    Ok([before, &encoded, &length.to_le_bytes(), magic].concat())
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
