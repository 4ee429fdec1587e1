use std::{
    any::Any,
    fmt,
    io::{Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
    vec,
};

use arrow2::io::parquet::read::{self, FileMetaData, RowGroupMetaData};
use eventstore_api::RecordedEvent;

use crate::{
    checksum::EventsChecksum,
    decode::Decoder,
    error::ParquetError,
    footer::{self, RowGroup, Summary},
    schema,
};

/// Reads recorded events from a Parquet file that [`ParquetWriter`](crate::ParquetWriter) has written.
///
/// Every row group is held against its checksum before it is decoded: a file that was changed is an error, and no event.
pub struct ParquetReader<R> {
    file: R,
    summary: Summary,
    row_groups: Vec<RowGroupMetaData>,
    decoder: Decoder,
}

impl<R: Read + Seek> ParquetReader<R> {
    /// Opens a file: reads its end, and none of its events.
    ///
    /// # Errors
    ///
    /// [`ParquetError::Foreign`] when it is no Parquet file, or holds something else, [`ParquetError::TooNew`] when a later
    /// version has written it, [`ParquetError::Damaged`] when its end is not what was written, [`ParquetError::Io`] when it
    /// cannot be read.
    pub fn open(mut file: R) -> Result<Self, ParquetError> {
        file.seek(SeekFrom::Start(0))?;
        let metadata = decoding(|| read::read_metadata(&mut file))?.map_err(opening)?;
        let FileMetaData { key_value_metadata, row_groups, .. } = metadata;
        let key_values = key_value_metadata.unwrap_or_default();
        let key_values = key_values.iter().filter_map(|it| Some((it.key.as_str(), it.value.as_deref()?)));
        let summary = footer::read(key_values)?;
        check_row_groups(&summary, &row_groups)?;
        Ok(Self { file, summary, row_groups, decoder: Decoder::default() })
    }

    /// What the file holds.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The events of one row group, in the order of positions. Other row groups are neither read nor decompressed.
    ///
    /// # Errors
    ///
    /// [`ParquetError::Damaged`] when it is not what was written or there is none of that number, [`ParquetError::Io`] when
    /// it cannot be read.
    pub fn read_row_group(&mut self, number: usize) -> Result<Vec<RecordedEvent>, ParquetError> {
        let (Some(group), Some(metadata)) =
            (self.summary.row_groups.get(number), self.row_groups.get(number))
        else {
            return Err(ParquetError::damaged(format!("there is no row group {number}")));
        };
        check_bytes(&mut self.file, group)?;
        let file = &mut self.file;
        let columns = decoding(|| {
            let rows = Some(metadata.num_rows());
            let fields = schema::read_as();
            read::read_columns_many(file, metadata, fields, rows, None, None)?
                .into_iter()
                .map(|mut column| column.next().transpose())
                .collect::<arrow2::error::Result<Option<Vec<_>>>>()
        })?
        .map_err(opening)?
        .ok_or_else(|| ParquetError::damaged("a column has no values"))?;
        let events = self.decoder.events(&columns)?;
        let (first, last) = (events.first(), events.last());
        let fits = events.len() as u64 == group.events
            && first.is_some_and(|event| event.position.get() == group.first_position)
            && last.is_some_and(|event| event.position.get() == group.last_position);
        if fits {
            Ok(events)
        } else {
            Err(ParquetError::damaged("a row group does not hold what the end of the file says"))
        }
    }

    /// All events, in the order of positions. One row group is in memory at a time.
    pub fn events(&mut self) -> Events<'_, R> {
        self.events_of(|_| true)
    }

    /// The events of the row groups that `wanted` chooses, in the order of positions. The others are passed over.
    pub fn events_of(&mut self, wanted: impl FnMut(&RowGroup) -> bool) -> Events<'_, R> {
        let chosen = self.summary.row_groups.iter().map(wanted).collect::<Vec<_>>();
        let numbers = chosen.into_iter().enumerate().filter_map(|(number, chosen)| chosen.then_some(number));
        let numbers = numbers.collect::<Vec<_>>().into_iter();
        Events { reader: self, numbers, group: Vec::new().into_iter() }
    }

    /// Reads everything, and holds it against what was written.
    ///
    /// # Errors
    ///
    /// As [`ParquetReader::read_row_group`].
    pub fn verify(&mut self) -> Result<(), ParquetError> {
        let mut checksum = EventsChecksum::default();
        let mut count = 0;
        for event in self.events() {
            checksum.add(&event?);
            count += 1;
        }
        if (count, checksum.finish()) == (self.summary.events, self.summary.events_checksum) {
            return Ok(());
        }
        Err(ParquetError::damaged("the events are not those that were written"))
    }
}

/// The events of a file, one after the other; see [`ParquetReader::events`]. After an error there are no more.
#[derive(Debug)]
pub struct Events<'r, R> {
    reader: &'r mut ParquetReader<R>,
    numbers: vec::IntoIter<usize>,
    group: vec::IntoIter<RecordedEvent>,
}

impl<R: Read + Seek> Iterator for Events<'_, R> {
    type Item = Result<RecordedEvent, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.group.next() {
                return Some(Ok(event));
            }
            let number = self.numbers.next()?;
            match self.reader.read_row_group(number) {
                Ok(group) => self.group = group.into_iter(),
                Err(error) => {
                    self.numbers = Vec::new().into_iter();
                    return Some(Err(error));
                }
            }
        }
    }
}

impl<R> fmt::Debug for ParquetReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetReader").field("summary", &self.summary).finish_non_exhaustive()
    }
}

/// That the two descriptions of the file agree: ours, and that of Parquet.
fn check_row_groups(summary: &Summary, row_groups: &[RowGroupMetaData]) -> Result<(), ParquetError> {
    let events: u64 = summary.row_groups.iter().map(|group| group.events).sum();
    let rows = summary.row_groups.iter().map(|group| group.events);
    let agree = rows.eq(row_groups.iter().map(|group| group.num_rows() as u64)) && events == summary.events;
    let in_order = summary.row_groups.is_sorted_by(|one, next| one.last_position < next.first_position);
    if agree && in_order { Ok(()) } else { Err(ParquetError::damaged("its row groups are not what it says")) }
}

/// That the bytes of a row group are those that were written.
fn check_bytes(file: &mut (impl Read + Seek), group: &RowGroup) -> Result<(), ParquetError> {
    file.seek(SeekFrom::Start(group.offset))?;
    let mut hasher = crc32fast::Hasher::new();
    let mut left = group.length;
    let mut chunk = vec![0; 64 << 10];
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        let read = file.read(chunk.get_mut(..wanted).unwrap_or_default())?;
        if read == 0 {
            return Err(ParquetError::damaged("it is cut off"));
        }
        hasher.update(chunk.get(..read).unwrap_or_default());
        left -= read as u64;
    }
    match hasher.finalize() == group.checksum {
        true => Ok(()),
        false => {
            let (from, to) = (group.first_position, group.last_position);
            Err(ParquetError::damaged(format!(
                "the checksum is wrong of the events at positions {from} to {to}"
            )))
        }
    }
}

/// The decoder panics at some of what it does not understand. What was checked before does not come to that.
fn decoding<T>(decode: impl FnOnce() -> T) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(decode)).map_err(|panic| {
        let said = said(&*panic);
        ParquetError::damaged(format!("it makes no sense to the decoder: {said}"))
    })
}

fn said(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked")
}

fn opening(error: arrow2::error::Error) -> ParquetError {
    match error {
        arrow2::error::Error::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => error.into(),
        other => ParquetError::foreign(other),
    }
}
