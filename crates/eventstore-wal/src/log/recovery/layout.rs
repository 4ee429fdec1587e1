use std::{collections::BTreeSet, io};

use crate::{
    damage::{Damage, Failure},
    disk::{Disk, Open, read_up_to, read_whole},
    format::{CleanClose, MANIFEST_NAME, Manifest, SYNCED_MARK_BYTES, SYNCED_NAME, StoreId, SyncedMark},
    index::SegmentStart,
    log::roll::NEXT_NAME,
};

/// How the names of files end that hold what recovery has cut off.
pub(crate) const TORN: &str = ".torn";

/// What says, beside the frames themselves, how far the log was durable.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) closed: Option<CleanClose>,
    pub(crate) synced: Option<SyncedMark>,
}

impl Evidence {
    /// How far the log was durable, by all of it.
    pub(crate) fn durable(&self) -> Option<SyncedMark> {
        let closed =
            self.closed.map(|CleanClose { segment, offset, head }| SyncedMark { segment, offset, head });
        closed.max(self.synced)
    }
}

/// What the directory holds.
pub(crate) struct Layout {
    pub(crate) manifest: Option<Manifest>,
    pub(crate) evidence: Evidence,
    /// In their order.
    pub(crate) segments: Vec<SegmentStart>,
    /// What was put aside and never came to its place.
    pub(crate) leftovers: Vec<String>,
}

impl Layout {
    /// Looks at a directory. What says how far the log was durable is read before the names are: a segment that it speaks
    /// of is then among them, also where another process begins new ones meanwhile.
    pub(crate) fn read(disk: &dyn Disk) -> Result<Self, Failure> {
        let manifest = read_manifest(disk)?;
        let synced = manifest.map(|manifest| read_synced_mark(disk, manifest.store)).transpose()?.flatten();
        let evidence = Evidence { closed: manifest.and_then(|manifest| manifest.closed), synced };
        let names =
            disk.names().map_err(Failure::io(|| "cannot list the directory of the store".to_owned()))?;
        let segments: BTreeSet<_> = names.iter().filter_map(|name| SegmentStart::parse(name)).collect();
        let leftovers = names.iter().filter(|name| is_leftover(name)).cloned().collect();
        if manifest.is_none() && !segments.is_empty() {
            return Err(lost(disk, MANIFEST_NAME, "there are segments, but no manifest").into());
        }
        Ok(Self { manifest, evidence, segments: segments.into_iter().collect(), leftovers })
    }

    /// That no segment is missing at either end. Between the ends, each names the one before it.
    pub(crate) fn check_complete(&self, disk: &dyn Disk) -> Result<(), Failure> {
        let known = self.evidence.durable().map(|durable| durable.segment);
        let last = self.segments.last().copied();
        if let Some(known) = known.filter(|known| Some(*known) > last) {
            return Err(lost(disk, &known.file_name(), "the segment is missing").into());
        }
        match self.segments.first() {
            Some(first) if first.get() != 1 => {
                let name = SegmentStart::new(1).file_name();
                Err(lost(disk, &name, format!("the segments before position {first} are missing")).into())
            }
            _ => Ok(()),
        }
    }
}

/// A file that was being made, and never came to its place.
pub(crate) fn is_leftover(name: &str) -> bool {
    name == NEXT_NAME || is_put_aside(name)
}

/// A file that was to replace another of ours.
fn is_put_aside(name: &str) -> bool {
    name.strip_suffix(".new").is_some_and(|name| {
        name == MANIFEST_NAME
            || SegmentStart::parse_index(name).is_some()
            || SegmentStart::parse(name).is_some()
            || name.ends_with(TORN)
    })
}

pub(crate) fn lost(disk: &dyn Disk, name: &str, detail: impl ToString) -> Damage {
    Damage { file: disk.describe(name), offset: 0, detail: detail.to_string() }
}

/// What the manifest says; `None` where there is none.
pub(crate) fn read_manifest(disk: &dyn Disk) -> Result<Option<Manifest>, Failure> {
    match read_whole(disk, MANIFEST_NAME, 4_096) {
        Ok(bytes) => {
            Manifest::decode(&bytes).map(Some).map_err(|detail| lost(disk, MANIFEST_NAME, detail).into())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io(|| format!("cannot read {}", disk.describe(MANIFEST_NAME)))(error)),
    }
}

/// How far the last writer said that the log was durable, if that can be read.
pub(crate) fn read_synced_mark(disk: &dyn Disk, store: StoreId) -> Result<Option<SyncedMark>, Failure> {
    let failure = || Failure::io(|| format!("cannot read {}", disk.describe(SYNCED_NAME)));
    let file = match disk.open(SYNCED_NAME, Open::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failure()(error)),
    };
    let mut bytes = [0; SYNCED_MARK_BYTES];
    read_up_to(&*file, &mut bytes, 0).map_err(failure())?;
    Ok(SyncedMark::decode(&bytes, store))
}
