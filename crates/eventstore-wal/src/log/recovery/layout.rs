use std::{collections::BTreeSet, io};

use crate::{
    damage::{Damage, Failure},
    disk::{Disk, Open, read_up_to, read_whole},
    format::{
        CleanClose, MANIFEST_NAME, Manifest, PartEntry, SYNCED_MARK_BYTES, SYNCED_NAME, StoreId, SyncedMark,
    },
    index::SegmentStart,
    log::roll::NEXT_NAME,
};

/// How the names of files end that hold what recovery has cut off.
pub(crate) const TORN: &str = ".torn";

/// A manifest is shorter, however many parts there are.
const MOST_MANIFEST_BYTES: u64 = 256 << 20;

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
    /// In their order, without those in whose place there is a part.
    pub(crate) segments: Vec<SegmentStart>,
    /// What was put aside and never came to its place, and parts whose segments still count.
    pub(crate) leftovers: Vec<String>,
    /// Segments in whose place there is a part, and their indexes. They go when the part has been found to be there.
    pub(crate) archived: Vec<String>,
    /// A part that the manifest does not name, and in whose place there is no segment.
    unnamed: Option<String>,
}

impl Layout {
    /// Looks at a directory. What says how far the log was durable is read before the names are: a segment that it speaks
    /// of is then among them, also where another process begins new ones meanwhile.
    pub(crate) fn read(disk: &dyn Disk) -> Result<Self, Failure> {
        let manifest = read_manifest(disk)?;
        let store = manifest.as_ref().map(|manifest| manifest.store);
        let synced = store.map(|store| read_synced_mark(disk, store)).transpose()?.flatten();
        let closed = manifest.as_ref().and_then(|manifest| manifest.closed);
        let evidence = Evidence { closed, synced };
        let names =
            disk.names().map_err(Failure::io(|| "cannot list the directory of the store".to_owned()))?;
        let mut segments: BTreeSet<_> = names.iter().filter_map(|name| SegmentStart::parse(name)).collect();
        let archived = manifest.as_ref().map(Archived::by).unwrap_or_default();
        let is_left = |name: &&String| is_leftover(name) || archived.leaves_part(name, &segments);
        let leftovers = names.iter().filter(is_left).cloned().collect();
        let superseded = names.iter().filter(|name| archived.leaves_segment(name)).cloned().collect();
        let unnamed = names.iter().find(|name| archived.is_unnamed(name, &segments)).cloned();
        if manifest.is_none() && !segments.is_empty() {
            return Err(lost(disk, MANIFEST_NAME, "there are segments, but no manifest").into());
        }
        segments.retain(|start| *start >= archived.next);
        Ok(Self {
            manifest,
            evidence,
            segments: segments.into_iter().collect(),
            leftovers,
            archived: superseded,
            unnamed,
        })
    }

    /// The position behind all parts, with which the segments begin.
    fn first_segment(&self) -> SegmentStart {
        self.manifest.as_ref().map(Archived::by).unwrap_or_default().next
    }

    /// That no segment is missing at either end. Between the ends, each names the one before it.
    pub(crate) fn check_complete(&self, disk: &dyn Disk) -> Result<(), Failure> {
        if let Some(part) = &self.unnamed {
            return Err(lost(disk, part, UNNAMED_PART).into());
        }
        let known = self.evidence.durable().map(|durable| durable.segment);
        let last = self.segments.last().copied();
        if let Some(known) = known.filter(|known| Some(*known) > last) {
            return Err(lost(disk, &known.file_name(), "the segment is missing").into());
        }
        let expected = self.first_segment();
        let name = expected.file_name();
        match self.segments.first() {
            Some(first) if *first != expected => {
                Err(lost(disk, &name, format!("the segments before position {first} are missing")).into())
            }
            None if expected.get() != 1 => Err(lost(disk, &name, "the segment is missing").into()),
            _ => Ok(()),
        }
    }
}

/// What to say of a part that counts for nothing, and may be all there is of its events.
pub(crate) const UNNAMED_PART: &str = "the manifest does not name the part, and its segment is not there";

/// What the manifest says of the archive.
#[derive(Debug)]
pub(crate) struct Archived {
    /// With which positions its parts begin.
    starts: BTreeSet<SegmentStart>,
    /// The position behind them.
    next: SegmentStart,
}

impl Default for Archived {
    fn default() -> Self {
        Self { starts: BTreeSet::new(), next: SegmentStart::new(1) }
    }
}

impl Archived {
    pub(crate) fn by(manifest: &Manifest) -> Self {
        Self::of(&manifest.parts)
    }

    /// What can be said of an archive with these parts, in their order.
    pub(crate) fn of(parts: &[PartEntry]) -> Self {
        let next = parts.last().map_or(1, |part| part.last_position + 1);
        Self { starts: parts.iter().map(|part| part.start).collect(), next: SegmentStart::new(next) }
    }

    /// The position behind all parts, with which the segments begin.
    pub(crate) fn next(&self) -> SegmentStart {
        self.next
    }

    /// Whether a file is a part that the manifest does not name, and in whose place there is no segment.
    pub(crate) fn is_unnamed(&self, name: &str, segments: &BTreeSet<SegmentStart>) -> bool {
        SegmentStart::parse_part(name)
            .is_some_and(|start| !self.starts.contains(&start) && !segments.contains(&start))
    }

    /// Whether a file is a segment in whose place there is a part, or its index.
    pub(crate) fn leaves_segment(&self, name: &str) -> bool {
        let segment = SegmentStart::parse(name).or_else(|| SegmentStart::parse_index(name));
        segment.is_some_and(|start| self.starts.contains(&start))
    }

    /// Whether a file is a part whose segment still counts, or its index.
    pub(crate) fn leaves_part(&self, name: &str, segments: &BTreeSet<SegmentStart>) -> bool {
        let part = SegmentStart::parse_part(name).or_else(|| SegmentStart::parse_part_index(name));
        part.is_some_and(|start| !self.starts.contains(&start) && segments.contains(&start))
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
            || SegmentStart::parse_part(name).is_some()
            || SegmentStart::parse_part_index(name).is_some()
            || name.ends_with(TORN)
    })
}

pub(crate) fn lost(disk: &dyn Disk, name: &str, detail: impl ToString) -> Damage {
    Damage { file: disk.describe(name), offset: 0, detail: detail.to_string() }
}

/// What the manifest says; `None` where there is none.
pub(crate) fn read_manifest(disk: &dyn Disk) -> Result<Option<Manifest>, Failure> {
    match read_whole(disk, MANIFEST_NAME, MOST_MANIFEST_BYTES) {
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
