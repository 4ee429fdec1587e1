use crc32fast::Hasher;
use eventstore_api::{GlobalPosition, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{directory::PageDirectory, error::ParquetError};

/// The form that this version writes, and the latest that it reads.
pub(crate) const FORMAT: u32 = 1;
/// Under which name the file says its form.
pub(crate) const FORMAT_KEY: &str = "eventstore.format";
/// Under which name it says what is in it.
pub(crate) const SUMMARY_KEY: &str = "eventstore.summary";
/// Under which name it says where each page is.
pub(crate) const PAGES_KEY: &str = "eventstore.pages";
/// Under which name it says the checksum (CRC-32, IEEE) of these two, in hexadecimal.
pub(crate) const CHECKSUM_KEY: &str = "eventstore.crc32";

/// What a file holds, as its end says it.
///
/// ```
/// use eventstore_parquet::{ParquetOptions, ParquetWriter};
///
/// let (_, summary) = ParquetWriter::new(Vec::new(), ParquetOptions::default())?.finish()?;
/// assert_eq!((summary.events, summary.row_groups.len()), (0, 0));
/// # Ok::<(), eventstore_parquet::ParquetError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// How many events there are.
    pub events: u64,
    /// A checksum (CRC-32, IEEE) of all events with everything that is known of them.
    pub events_checksum: u32,
    /// The parts that can be read on their own, in the order of positions.
    pub row_groups: Vec<RowGroup>,
}

impl Summary {
    /// The position of the first event.
    #[must_use]
    pub fn first_position(&self) -> Option<GlobalPosition> {
        self.row_groups.first().map(|group| GlobalPosition::new(group.first_position))
    }

    /// The position of the last event.
    #[must_use]
    pub fn last_position(&self) -> Option<GlobalPosition> {
        self.row_groups.last().map(|group| GlobalPosition::new(group.last_position))
    }
}

/// A part of a file that can be read on its own, and passed over on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RowGroup {
    /// How many events it holds; at least one.
    pub events: u64,
    /// The position of its first event.
    pub first_position: u64,
    /// The position of its last event.
    pub last_position: u64,
    /// The first of its streams, by the bytes of its name.
    pub first_stream: String,
    /// The last of its streams.
    pub last_stream: String,
    /// The earliest time of an event, in microseconds since the Unix epoch.
    pub first_recorded_at: i64,
    /// The latest time of an event, in microseconds since the Unix epoch.
    pub last_recorded_at: i64,
    /// The types of its events, in order; `None` where there are more than 64.
    pub event_types: Option<Vec<String>>,
}

impl RowGroup {
    /// Whether it can hold an event after one position and before another, both exclusive.
    #[must_use]
    pub fn may_hold_position(&self, after: GlobalPosition, before: GlobalPosition) -> bool {
        self.last_position > after.get() && self.first_position < before.get()
    }

    /// Whether it can hold an event of a stream whose name begins so.
    #[must_use]
    pub fn may_hold_stream(&self, prefix: &str) -> bool {
        self.last_stream.as_str() >= prefix
            && (self.first_stream.as_str() <= prefix || self.first_stream.starts_with(prefix))
    }

    /// Whether it can hold an event of this type.
    #[must_use]
    pub fn may_hold_type(&self, event_type: &str) -> bool {
        self.event_types
            .as_ref()
            .is_none_or(|types| types.binary_search_by(|known| known.as_str().cmp(event_type)).is_ok())
    }

    /// Whether it can hold an event that was recorded between two times, both inclusive.
    #[must_use]
    pub fn may_hold_time(&self, from: Timestamp, to: Timestamp) -> bool {
        self.last_recorded_at >= from.as_micros() && self.first_recorded_at <= to.as_micros()
    }
}

pub(crate) fn checksum_of(summary: &str, pages: &str) -> String {
    let mut hasher = Hasher::new();
    hasher.update(summary.as_bytes());
    hasher.update(pages.as_bytes());
    format!("{:08x}", hasher.finalize())
}

/// What the key-value metadata of a file says.
pub(crate) fn read<'k>(
    key_values: impl Iterator<Item = (&'k str, &'k str)> + Clone,
) -> Result<(Summary, PageDirectory), ParquetError> {
    let value = |wanted: &str| key_values.clone().find(|(key, _)| *key == wanted).map(|(_, value)| value);
    let format = value(FORMAT_KEY).ok_or_else(|| ParquetError::foreign("it does not say its format"))?;
    let format: u32 = format.parse().map_err(|_| ParquetError::damaged("its format is no number"))?;
    if format > FORMAT {
        return Err(ParquetError::TooNew { found: format, known: FORMAT });
    }
    let summary = value(SUMMARY_KEY).ok_or_else(|| ParquetError::damaged("it does not say what it holds"))?;
    let pages =
        value(PAGES_KEY).ok_or_else(|| ParquetError::damaged("it does not say where its pages are"))?;
    if value(CHECKSUM_KEY) != Some(checksum_of(summary, pages).as_str()) {
        return Err(ParquetError::damaged("the checksum of its summary and pages is wrong"));
    }
    let summary: Summary = serde_json::from_str(summary)
        .map_err(|error| ParquetError::damaged(format!("its summary: {error}")))?;
    let directory = PageDirectory::from_text(pages, &summary);
    let directory =
        directory.ok_or_else(|| ParquetError::damaged("its pages are not those of its summary"))?;
    Ok((summary, directory))
}
