//! Sealed segments that become Parquet files, which any tool can read: the archive.
//!
//! A part takes the place of one segment, and parts stand before all segments. How that comes about is in [`Archive`]: the
//! part is written aside, read back, made durable and named in the manifest; only then does the segment go. What is damaged
//! of a part is told with its file.

#[cfg(feature = "parquet")]
mod by_itself;
#[cfg(feature = "parquet")]
mod encoder;
#[cfg(feature = "parquet")]
mod make;
#[cfg(feature = "parquet")]
mod part;
#[cfg(feature = "parquet")]
mod policy;
#[cfg(feature = "parquet")]
mod switch;

use std::{io, sync::Arc};

#[cfg(feature = "parquet")]
pub(crate) use by_itself::part_by_itself;
#[cfg(feature = "parquet")]
pub(crate) use part::OpenParts;
#[cfg(feature = "parquet")]
pub use policy::ArchivePolicy;
#[cfg(feature = "parquet")]
pub(crate) use switch::{Archive, Due};

#[cfg(not(feature = "parquet"))]
use crate::index::SegmentStart;
use crate::{
    catalog::Catalog,
    damage::{Damage, Failure, not_to_be_found},
    disk::{Disk, DiskFile, Open},
    format::PartEntry,
    index::ActiveIndex,
    rows::Part,
    segment::Segment,
};

/// Opens the part that the manifest names so, and looks at the length of its file. Its index is still to be found.
pub(crate) fn open_part(
    disk: &Arc<dyn Disk>,
    catalog: &Catalog,
    entry: PartEntry,
) -> Result<(Segment, Arc<dyn Part>), Failure> {
    let name = entry.start.part_name();
    let described = disk.describe(&name);
    let damage = |detail| Damage { file: described.clone(), offset: 0, detail };
    let file = match disk.open(&name, Open::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (first, last) = (entry.start, entry.last_position);
            let lost = not_to_be_found(first.get(), last);
            return Err(damage(format!("the part is missing; {lost}")).into());
        }
        Err(error) => return Err(Failure::io(|| format!("cannot open {described}"))(error)),
    };
    let length = file.length().map_err(Failure::io(|| format!("cannot read {described}")))?;
    if length != entry.file_bytes {
        let detail = format!("the part is {length} bytes long, and {} were written", entry.file_bytes);
        return Err(damage(detail).into());
    }
    let part = rows_of(catalog, &file, entry, &described)?;
    let index = Arc::new(ActiveIndex::new(catalog.store.as_bytes(), entry.start));
    let segment =
        Segment::new(catalog.store, entry.start, file, described, index).archived(Arc::clone(&part));
    Ok((segment, part))
}

#[cfg(feature = "parquet")]
fn rows_of(
    catalog: &Catalog,
    file: &Arc<dyn DiskFile>,
    entry: PartEntry,
    described: &str,
) -> Result<Arc<dyn Part>, Failure> {
    let open = Arc::clone(&catalog.open_parts);
    Ok(Arc::new(part::ParquetPart::new(open, Arc::clone(file), entry, described.to_owned())))
}

/// What is open of the archive: nothing, as this program cannot read it.
#[cfg(not(feature = "parquet"))]
#[derive(Debug, Default)]
pub(crate) struct OpenParts;

#[cfg(not(feature = "parquet"))]
fn rows_of(
    _: &Catalog,
    _: &Arc<dyn DiskFile>,
    _: PartEntry,
    described: &str,
) -> Result<Arc<dyn Part>, Failure> {
    Err(without_parquet(described))
}

#[cfg(not(feature = "parquet"))]
pub(crate) fn part_by_itself(disk: &dyn Disk, start: SegmentStart) -> Result<PartEntry, Failure> {
    Err(without_parquet(&disk.describe(&start.part_name())))
}

#[cfg(not(feature = "parquet"))]
fn without_parquet(described: &str) -> Failure {
    let why = "the store has an archive, and this program was built without the feature `parquet` of `eventstore-wal`";
    Failure::io(|| format!("cannot read {described}"))(io::Error::new(io::ErrorKind::Unsupported, why))
}
