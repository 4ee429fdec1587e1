use std::sync::Arc;

use eventstore_api::{GlobalPosition, Timestamp};
use eventstore_parquet::ParquetReader;

use super::part::{PartFile, failure_of, sum};
use crate::{
    damage::{Damage, Failure},
    disk::{Disk, Open},
    format::PartEntry,
    index::SegmentStart,
};

/// What a part says of itself, in the place of a manifest that cannot be read. What its bytes were is not known then, nor the
/// seal of the segment that it was made of: the checksum is that of the bytes it has, and that of the seal is 0.
pub(crate) fn part_by_itself(disk: &dyn Disk, start: SegmentStart) -> Result<PartEntry, Failure> {
    let name = start.part_name();
    let described = disk.describe(&name);
    let file = disk.open(&name, Open::Read).map_err(Failure::io(|| format!("cannot open {described}")))?;
    let file_bytes = file.length().map_err(Failure::io(|| format!("cannot read {described}")))?;
    let reader = ParquetReader::open(PartFile::new(Arc::clone(&file)))
        .map_err(|error| failure_of(&described, error))?;
    let summary = reader.summary();
    let last_recorded_at = summary.row_groups.iter().map(|group| group.last_recorded_at).max();
    let entry = PartEntry {
        start,
        last_position: summary.last_position().map_or(0, GlobalPosition::get),
        recorded_at: last_recorded_at.map_or(Timestamp::MIN, Timestamp::from_micros),
        file_bytes,
        // What cannot be read here, cannot be read again where its rows are gone through, and is told there.
        file_checksum: sum(&*file, &described).map_or(0, |(_, checksum)| checksum),
        events_checksum: summary.events_checksum,
        seal_checksum: 0,
    };
    // As many as a manifest lets a part have.
    let is_a_part = summary.first_position() == Some(GlobalPosition::new(start.get()))
        && entry.last_position < u64::MAX
        && summary.events == entry.events()
        && summary.events <= u64::from(u32::MAX);
    if is_a_part {
        return Ok(entry);
    }
    let detail = format!("it does not hold the events from position {start} on, one a row");
    Err(Damage { file: described, offset: 0, detail }.into())
}
