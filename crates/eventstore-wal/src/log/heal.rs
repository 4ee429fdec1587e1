//! Indexes that turn out to be damaged when they are used: no byte of the log is lost with them.

use std::{io, sync::Arc};

use eventstore_codec::Names;

use super::recovery::{keep, read_segment_header, scan_segment};
use crate::{
    catalog::{self, Catalog},
    damage::Failure,
    disk::Disk,
    index::{ActiveIndex, Previous, Sidecar},
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

/// Makes the indexes of sealed segments anew that are damaged or missing, from their segments.
pub(crate) fn replace_damaged_indexes(
    disk: &dyn Disk,
    catalog: &Catalog,
    rebuilt: Rebuilt,
) -> Result<(), Failure> {
    let store = catalog.store.as_bytes();
    for segment in catalog.segments().iter() {
        let Some(sealed) = segment.sealed() else { continue };
        let sidecar = Sidecar::open(disk, store, segment.start);
        if sidecar.is_ok_and(|sidecar| sidecar.check_sections().is_ok()) {
            continue;
        }
        tracing::warn!(segment = %segment.described, "its index is damaged or missing, and is made anew");
        let index = anew(catalog, segment)?;
        segment.replace_index(match rebuilt {
            Rebuilt::InMemory => Arc::new(index),
            Rebuilt::Kept => keep(disk, catalog, segment.start, sealed.end, sealed.last_position, index),
        });
    }
    Ok(())
}

/// The index of a segment, from its frames alone. Where its streams begin is not known then.
fn anew(catalog: &Catalog, segment: &Segment) -> Result<ActiveIndex, Failure> {
    let index = ActiveIndex::new(catalog.store.as_bytes(), segment.start);
    let length =
        segment.file().length().map_err(Failure::io(|| format!("cannot read {}", segment.described)))?;
    let (_, checksum) = read_segment_header(segment, catalog.store)?;
    let mut names = Names::new();
    let unknown = |_: &str| catalog::Before { version: None, previous: Previous::Unknown };
    let end = scan_segment(segment, length, checksum, |frame| {
        let taken_up = catalog::take_up(frame, &index, &mut names, unknown, |_, _| {});
        taken_up.map_err(|why| segment.damage(frame.offset, why).into())
    })?;
    match end.fault {
        None => Ok(index),
        Some(fault) => Err(segment.damage(end.offset, fault).into()),
    }
}
