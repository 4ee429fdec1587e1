//! All of a [`ParquetWriter`](crate::ParquetWriter) but its output: it is compiled once, and not for every kind of output.

use std::{collections::BTreeSet, io::Write};

use arrow2::io::parquet::write::{DynIter, FileWriter as ArrowWriter, KeyValue};
use eventstore_api::{GlobalPosition, RecordedEvent};
use parquet_format_safe::{ColumnOrder, TypeDefinedOrder, thrift::protocol::TCompactOutputProtocol};

use crate::{
    checksum::EventsChecksum,
    contents::metadata_of,
    directory::PageDirectory,
    error::ParquetError,
    footer::{CHECKSUM_KEY, FORMAT, FORMAT_KEY, PAGES_KEY, RowGroup, SUMMARY_KEY, Summary, checksum_of},
    held::Held,
    schema::{self, COLUMN_COUNT},
    write_pages::{PAGE_EVENTS, PageCutter, WRITE_OPTIONS, measuring},
    writer::{ParquetOptions, event_bytes},
};

/// Writes recorded events to an output, which every call is given: always the same.
pub(crate) struct FileWriter {
    options: ParquetOptions,
    file: ArrowWriter<Held>,
    /// What `file` has written and the output has not.
    held: Held,
    /// A row group was not written, or not all of it: what there is would look like a whole file without it.
    is_broken: bool,
    cutter: PageCutter,
    directory: PageDirectory,
    /// Of the next row group.
    events: Vec<RecordedEvent>,
    event_bytes: usize,
    last_position: GlobalPosition,
    checksum: EventsChecksum,
    summary: Summary,
}

impl FileWriter {
    /// The options have to be within their bounds.
    pub(crate) fn new(options: ParquetOptions) -> Result<Self, ParquetError> {
        let held = Held::default();
        let file = ArrowWriter::try_new(held.clone(), schema::schema(), WRITE_OPTIONS);
        let file = file.map_err(ParquetError::not_written)?;
        Ok(Self {
            options,
            cutter: PageCutter::new(options.compression_level, file.parquet_schema())?,
            file,
            held,
            is_broken: false,
            directory: PageDirectory::new(PAGE_EVENTS),
            events: Vec::new(),
            event_bytes: 0,
            last_position: GlobalPosition::START,
            checksum: EventsChecksum::default(),
            summary: Summary::default(),
        })
    }

    pub(crate) fn options(&self) -> &ParquetOptions {
        &self.options
    }

    /// How many events there are, with those of the next row group.
    pub(crate) fn event_count(&self) -> u64 {
        self.summary.events + self.events.len() as u64
    }

    pub(crate) fn write(&mut self, event: RecordedEvent, output: &mut dyn Write) -> Result<(), ParquetError> {
        self.check_position(event.position)?;
        self.event_bytes += event_bytes(&event);
        self.events.push(event);
        let is_full = self.events.len() >= self.options.row_group_events
            || self.event_bytes >= self.options.row_group_bytes;
        if is_full { self.end_row_group(output) } else { Ok(()) }
    }

    pub(crate) fn write_row_group(
        &mut self,
        events: &[RecordedEvent],
        output: &mut dyn Write,
    ) -> Result<(), ParquetError> {
        self.end_row_group(output)?;
        for group in events.chunks(self.options.row_group_events) {
            for RecordedEvent { position, .. } in group {
                self.check_position(*position)?;
            }
            self.encode(group, output)?;
        }
        Ok(())
    }

    /// Ends the file, and flushes the output.
    pub(crate) fn finish(mut self, output: &mut dyn Write) -> Result<Summary, ParquetError> {
        self.end_row_group(output)?;
        self.summary.events_checksum = self.checksum.finish();
        let summary = serde_json::to_string(&self.summary).map_err(ParquetError::not_written)?;
        let pages = self.directory.to_text();
        let key_values = vec![
            key_value(FORMAT_KEY, FORMAT.to_string()),
            key_value(CHECKSUM_KEY, checksum_of(&summary, &pages)),
            key_value(SUMMARY_KEY, summary),
            key_value(PAGES_KEY, pages),
        ];
        self.file.end(Some(key_values)).map_err(ParquetError::not_written)?;
        output.write_all(&with_column_orders(&self.held.take())?)?;
        output.flush()?;
        Ok(self.summary)
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

    fn end_row_group(&mut self, output: &mut dyn Write) -> Result<(), ParquetError> {
        self.event_bytes = 0;
        let events = std::mem::take(&mut self.events);
        self.encode(&events, output)
    }

    fn encode(&mut self, events: &[RecordedEvent], output: &mut dyn Write) -> Result<(), ParquetError> {
        if self.is_broken {
            return Err(ParquetError::not_written("a row group could not be written before"));
        }
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
        // Until all of it is written, and told of.
        self.is_broken = true;
        let columns = self.cutter.cut(events)?.map(|pages| measuring(pages, &self.held));
        let mut written = <[_; COLUMN_COUNT]>::default();
        let mut all = Vec::with_capacity(COLUMN_COUNT);
        for ((pages, place), written) in columns.into_iter().zip(&mut written) {
            all.push(Ok(pages));
            *written = place;
        }
        self.file.write(DynIter::new(all.into_iter())).map_err(ParquetError::not_written)?;
        self.directory.push(written.map(|place| std::mem::take(&mut *place.lock())));
        output.write_all(&self.held.take())?;
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
        self.is_broken = false;
        Ok(())
    }
}

fn key_value(key: &str, value: String) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value) }
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
    let mut metadata = metadata_of(metadata).map_err(ParquetError::not_written)?;
    let leaves = metadata.schema.iter().filter(|element| element.num_children.is_none());
    metadata.column_orders = Some(leaves.map(|_| ColumnOrder::TYPEORDER(TypeDefinedOrder {})).collect());
    let mut encoded = Held::default();
    // Of the type with which arrow2 writes it too: the code for all that it may hold is compiled once.
    metadata
        .write_to_out_protocol(&mut TCompactOutputProtocol::new(&mut &mut encoded))
        .map_err(ParquetError::not_written)?;
    let encoded = encoded.take();
    let length = u32::try_from(encoded.len()).map_err(ParquetError::not_written)?;
    Ok([before, &encoded, &length.to_le_bytes(), magic].concat())
}
