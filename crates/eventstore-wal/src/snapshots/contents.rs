use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use bytes::Bytes;
use eventstore_api::{InvalidInput, Snapshot, StreamId, Version};
use eventstore_codec::decode_snapshot;
use parking_lot::RwLock;

use super::{
    format::{RECORD_HEADER_BYTES, RecordFault, RecordHeader, RecordKind, record_bytes},
    scan::body,
};
use crate::{
    damage::{Damage, Failure},
    disk::{DiskFile, read_up_to},
    format::StoreId,
    index::Wait,
};

/// Of what there is one snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SnapshotKey {
    stream: StreamId,
}

impl SnapshotKey {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self::of_stream(&snapshot.stream)
    }

    pub(super) fn of_stream(stream: &StreamId) -> Self {
        Self { stream: stream.clone() }
    }
}

/// Where a snapshot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where its record begins in the file, in bytes.
    pub(super) offset: u64,
    /// Never more than a record's body can have.
    pub(super) body_bytes: u64,
    pub(super) version: Version,
}

impl Place {
    pub(super) const fn record_bytes(&self) -> u64 {
        record_bytes(self.body_bytes)
    }

    /// Whether what stands here takes the place of the other: never an older one, and of two with the same version that
    /// which was written later. In whatever order places are held against each other, the same one is left.
    fn replaces(&self, other: &Self) -> bool {
        (self.version, self.offset) >= (other.version, other.offset)
    }
}

/// The place of every snapshot that is the latest of its stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// In the order of the streams' names, in which they are listed.
    places: BTreeMap<SnapshotKey, Place>,
    /// How many bytes their records take.
    live_bytes: u64,
}

impl Places {
    pub(super) fn get(&self, key: &SnapshotKey) -> Option<Place> {
        self.places.get(key).copied()
    }

    pub(super) fn offer(&mut self, key: SnapshotKey, place: Place) {
        match self.places.get_mut(&key) {
            Some(held) if place.replaces(held) => {
                self.live_bytes = self.live_bytes - held.record_bytes() + place.record_bytes();
                *held = place;
            }
            Some(_) => {}
            None => {
                self.live_bytes += place.record_bytes();
                self.places.insert(key, place);
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.places.len() as u64
    }

    /// Those behind this one.
    fn streams(&self, after: Option<&StreamId>) -> impl Iterator<Item = StreamId> {
        let after = after.map(SnapshotKey::of_stream);
        let start = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        self.places.range((start, Bound::Unbounded)).map(|(key, _)| key.stream.clone())
    }

    pub(super) fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// In the order of their places.
    pub(super) fn sorted(&self) -> Vec<(SnapshotKey, Place)> {
        let mut sorted: Vec<_> = self.places.iter().map(|(key, place)| (key.clone(), *place)).collect();
        sorted.sort_unstable_by_key(|(_, place)| place.offset);
        sorted
    }
}

/// One generation of the file.
#[derive(Clone, Debug)]
pub(super) struct Records {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) store: StoreId,
    pub(super) generation: u64,
    /// What to call the file in messages.
    pub(super) described: Arc<str>,
}

impl Records {
    /// The body of the record at a place, and the checksum that was found right.
    pub(super) fn body(&self, place: Place, wait: Wait) -> Result<(Bytes, u32), Failure> {
        let length = RECORD_HEADER_BYTES as u64 + place.body_bytes;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let read = match wait {
            Wait::Allowed => read_up_to(&*self.file, &mut bytes, place.offset),
            Wait::Never => match self.file.read_at_if_cached(&mut bytes, place.offset) {
                // Cut short by what is not cached, or by the end of the file: only waiting tells.
                Ok(Some(read)) if read == bytes.len() => Ok(read),
                Ok(_) => return Err(Failure::WouldWait),
                Err(error) => Err(error),
            },
        };
        let read = read.map_err(Failure::io(|| format!("cannot read {}", self.described)))?;
        bytes.truncate(read);
        let bytes = Bytes::from(bytes);
        let header = RecordHeader::decode(&bytes, self.store, place.offset)
            .map_err(|fault| self.damage(place.offset, fault))?;
        if header.generation != self.generation {
            return Err(self.damage(place.offset, RecordFault::OtherGeneration).into());
        }
        if header.kind != RecordKind::Snapshot || header.body_bytes != place.body_bytes {
            return Err(self.damage(place.offset, RecordFault::Nonsense).into());
        }
        let body = body(&bytes, &header).ok_or_else(|| self.damage(place.offset, RecordFault::CutOff))?;
        match crc32fast::hash(&body) {
            checksum if checksum == header.body_checksum => Ok((body, checksum)),
            _ => Err(self.damage(place.offset, RecordFault::BodyChecksum).into()),
        }
    }

    fn damage(&self, offset: u64, fault: RecordFault) -> Damage {
        Damage { file: self.described.to_string(), offset, detail: fault.to_string() }
    }
}

/// What readers see: a file, and where in it the snapshots are. Both are replaced at one moment.
#[derive(Debug, Default)]
pub(super) struct Contents {
    held: RwLock<(Option<Records>, Places)>,
}

impl Contents {
    pub(super) fn new(records: Option<Records>, places: Places) -> Self {
        Self { held: RwLock::new((records, places)) }
    }

    pub(super) fn latest(&self, stream: &StreamId, wait: Wait) -> Result<Option<Snapshot>, Failure> {
        let key = SnapshotKey::of_stream(stream);
        // The lock is not held while the disk is read: the file stays readable also when it has been replaced.
        let (records, place) = match &*self.held.read() {
            (Some(records), places) => match places.get(&key) {
                Some(place) => (records.clone(), place),
                None => return Ok(None),
            },
            (None, _) => return Ok(None),
        };
        let (body, _) = records.body(place, wait)?;
        match decode_snapshot(&body) {
            Ok(snapshot) if SnapshotKey::of(&snapshot) == key && snapshot.version == place.version => {
                Ok(Some(snapshot))
            }
            _ => Err(records.damage(place.offset, RecordFault::Unreadable).into()),
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.held.read().1.count()
    }

    pub(super) fn streams(
        &self,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamId>, InvalidInput> {
        if limit == 0 {
            return Err(InvalidInput::ZeroLimit);
        }
        Ok(self.held.read().1.streams(after).take(limit).collect())
    }

    /// Shows the places, which do not change meanwhile.
    pub(super) fn with_places<T>(&self, look: impl FnOnce(&Places) -> T) -> T {
        look(&self.held.read().1)
    }

    /// Adds places of the same file.
    pub(super) fn offer(&self, found: impl IntoIterator<Item = (SnapshotKey, Place)>) {
        let mut held = self.held.write();
        for (key, place) in found {
            held.1.offer(key, place);
        }
    }

    pub(super) fn replace(&self, records: Option<Records>, places: Places) {
        *self.held.write() = (records, places);
    }
}
