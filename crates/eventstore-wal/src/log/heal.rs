//! Indexes that turn out to be damaged when they are used: no byte of the log is lost with them.

use std::{io, sync::Arc};

use super::recovery::{build_index, keep, parts::build_part_index};
use crate::{
    catalog::{Before, Catalog, take_up, take_up_row},
    damage::Failure,
    disk::Disk,
    index::{Previous, Sidecar},
    segment::Segment,
};

/// What becomes of an index that is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rebuilt {
    /// It is written beside its segment again.
    Kept,
    /// It stays in memory: nothing may be written.
    InMemory,
}

/// Whether something has failed for what an index says.
pub(crate) fn is_damaged_index(failure: &Failure) -> bool {
    matches!(failure, Failure::Io { source, .. } if source.kind() == io::ErrorKind::InvalidData)
}

/// Makes the indexes of sealed segments anew that are damaged or missing, from their segments. Where one cannot be, the others
/// are; the first that goes wrong is the answer.
pub(crate) fn replace_damaged_indexes(
    disk: &dyn Disk,
    catalog: &Catalog,
    rebuilt: Rebuilt,
) -> Result<(), Failure> {
    // Whoever met the same damage waits, and finds it mended.
    let _healing = catalog.healing.lock();
    let mut outcome = Ok(());
    for segment in catalog.segments().iter() {
        let replaced = replace_damaged_index(disk, catalog, segment, rebuilt);
        outcome = outcome.and(replaced);
    }
    outcome
}

fn replace_damaged_index(
    disk: &dyn Disk,
    catalog: &Catalog,
    segment: &Segment,
    rebuilt: Rebuilt,
) -> Result<(), Failure> {
    let Some(sealed) = segment.sealed().filter(|_| !segment.index().is_in_memory()) else { return Ok(()) };
    let store = catalog.store.as_bytes();
    let sidecar = Sidecar::open(disk, store, segment.start, segment.index_of())
        .ok()
        .filter(|it| it.fits(sealed.end, sealed.last_position) && it.check_sections().is_ok());
    if let Some(sidecar) = sidecar {
        // It may be another than the one that was read.
        segment.replace_index(Arc::new(sidecar));
        return Ok(());
    }
    tracing::warn!(segment = %segment.described, "its index is damaged or missing, and is made anew");
    // Where its streams begin is not known from its frames alone.
    let unknown = |_: &str| Before { version: None, previous: Previous::Unknown };
    let index = match &segment.part {
        None => build_index(catalog, segment, |index, frame, names| {
            take_up(frame, index, names, unknown, |_, _| {})
        })?,
        Some(part) => build_part_index(catalog, segment, &**part, |index, row, event| {
            take_up_row(row, event, index, &unknown(""))
        })?,
    };
    segment.replace_index(match rebuilt {
        Rebuilt::InMemory => Arc::new(index),
        Rebuilt::Kept => {
            let of = (segment.start, segment.index_of());
            keep(disk, catalog, of, sealed.end, sealed.last_position, index)
        }
    });
    Ok(())
}
