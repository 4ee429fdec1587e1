use std::sync::Arc;

use eventstore_api::RecordedEvent;
use eventstore_codec::Names;

use super::{
    Rebuilt,
    sealed::{Before as BeforeSegment, Link, LoadedIndex, LoadedSealed, keep, load_sidecar},
};
use crate::{
    archive,
    catalog::{Before, Catalog, NotTakenUp, PutOff, TakeUp, take_up_row},
    damage::Failure,
    disk::Disk,
    format::PartEntry,
    index::{ActiveIndex, FrameOffset, Head, IndexOf, Previous, SegmentIndex, Sidecar, Wait},
    rows::Part,
    segment::{Sealed, Segment},
};

/// Opens a part that has taken the place of a segment, with the index beside it, and takes up its streams; where the index is
/// missing or damaged, builds it anew.
pub(crate) fn load_part(
    disk: &Arc<dyn Disk>,
    catalog: &Catalog,
    entry: &PartEntry,
    before: &mut BeforeSegment,
    rebuilt: Rebuilt,
    when: TakeUp,
) -> Result<LoadedSealed, Failure> {
    let (segment, part) = archive::open_part(disk, catalog, *entry)?;
    let PartEntry { start, last_position, recorded_at, seal_checksum, .. } = *entry;
    let end = FrameOffset::bytes_of_row(entry.events());
    // A reader may know some of its events already, from the segment that was here.
    let is_known = catalog.segment(start).is_some();
    // Some of its streams are counted then.
    let when = if is_known { TakeUp::Now } else { when };
    let found = load_sidecar(&**disk, catalog, &segment, (end, last_position), when)?;
    let was_found = found.is_some();
    let (index, put_off) = match found {
        Some(LoadedIndex { index, put_off }) => (index, put_off),
        None => {
            catalog.settle(Wait::Allowed)?;
            let unknown = Before { version: None, previous: Previous::Unknown };
            let take_up = |index: &ActiveIndex, row, event: &RecordedEvent| {
                if !is_known {
                    return catalog.take_up_row(start, index, row, event);
                }
                take_up_row(row, event, index, &unknown)?;
                let stream = event.stream.as_str();
                if catalog.heads.get(stream).is_none_or(|known| known.version < event.version) {
                    catalog.heads.set(stream, Head { version: event.version, segment: start });
                }
                Ok(())
            };
            let index = build_rows(catalog, &segment, &*part, entry.events(), take_up)?;
            tracing::warn!(part = %segment.described, "its index was missing or damaged, and was built anew");
            (keep_rows(disk, catalog, entry, index, rebuilt), PutOff::default())
        }
    };
    before.recorded_at = before.recorded_at.max(recorded_at);
    segment.replace_index(index);
    before.seal(&segment, end, Link { start, checksum: seal_checksum, last_position });
    catalog.put_segment(Arc::new(segment));
    catalog.note(start, put_off);
    Ok(LoadedSealed { rebuilt: !was_found })
}

/// Opens a part in the place of a segment that is known, and ended so.
pub(crate) fn reopen_part(
    disk: &Arc<dyn Disk>,
    catalog: &Catalog,
    entry: &PartEntry,
    sealed: Sealed,
    rebuilt: Rebuilt,
) -> Result<Segment, Failure> {
    let (segment, part) = archive::open_part(disk, catalog, *entry)?;
    let end = FrameOffset::bytes_of_row(entry.events());
    let sidecar = Sidecar::open(&**disk, catalog.store.as_bytes(), entry.start, IndexOf::Part);
    let sidecar = sidecar.ok().filter(|it| it.fits(end, entry.last_position));
    let index: Arc<dyn SegmentIndex> = match sidecar {
        Some(sidecar) => Arc::new(sidecar),
        None => {
            // Where its streams begin is not known from its rows alone.
            let unknown = Before { version: None, previous: Previous::Unknown };
            let take_up =
                |index: &ActiveIndex, row, event: &RecordedEvent| take_up_row(row, event, index, &unknown);
            let index = build_rows(catalog, &segment, &*part, entry.events(), take_up)?;
            keep_rows(disk, catalog, entry, index, rebuilt)
        }
    };
    segment.replace_index(index);
    segment.seal(Sealed { end, ..sealed });
    Ok(segment)
}

fn keep_rows(
    disk: &Arc<dyn Disk>,
    catalog: &Catalog,
    entry: &PartEntry,
    index: ActiveIndex,
    rebuilt: Rebuilt,
) -> Arc<dyn SegmentIndex> {
    let PartEntry { start, last_position, .. } = *entry;
    let end = FrameOffset::bytes_of_row(entry.events());
    match rebuilt {
        Rebuilt::InMemory => Arc::new(index),
        Rebuilt::Kept => keep(&**disk, catalog, (start, IndexOf::Part), end, last_position, index),
    }
}

/// The index of a part, made from its events: `take_up` enters each of them.
pub(crate) fn build_part_index(
    catalog: &Catalog,
    segment: &Segment,
    part: &dyn Part,
    take_up: impl Fn(&ActiveIndex, u64, &RecordedEvent) -> Result<(), NotTakenUp>,
) -> Result<ActiveIndex, Failure> {
    let last = segment.sealed().map_or(0, |sealed| sealed.last_position);
    build_rows(catalog, segment, part, (last + 1).saturating_sub(segment.start.get()), take_up)
}

/// How many rows are read at once.
const AT_ONCE: u64 = 8_192;

fn build_rows(
    catalog: &Catalog,
    segment: &Segment,
    part: &dyn Part,
    events: u64,
    take_up: impl Fn(&ActiveIndex, u64, &RecordedEvent) -> Result<(), NotTakenUp>,
) -> Result<ActiveIndex, Failure> {
    let index = ActiveIndex::new(catalog.store.as_bytes(), segment.start);
    let mut names = Names::new();
    let damage = |row: u64, why: String| segment.damage(FrameOffset::bytes_of_row(row), why);
    let mut next = 0;
    while next < events {
        let rows = part.read(next..events.min(next + AT_ONCE), Wait::Allowed)?;
        let end = rows.range().end.min(events);
        for row in next..end {
            let event = rows.event(row, &mut names).map_err(|why| damage(row, why.to_string()))?;
            take_up(&index, row, &event).map_err(|why| damage(row, why.to_string()))?;
        }
        next = end;
    }
    Ok(index)
}
