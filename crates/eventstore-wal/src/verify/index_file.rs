use std::io;

use crate::{
    damage::Damage,
    disk::{Disk, read_whole},
    format::StoreId,
    index::{ActiveIndex, IndexOf, Previous, SegmentIndex as _, SegmentStart, Sidecar},
};

/// The index beside a segment, as it was when the segment was opened.
#[derive(Debug)]
pub(super) struct IndexFile {
    start: SegmentStart,
    described: String,
    bytes: Vec<u8>,
    /// Up to where it knows the segment, in bytes, where it says so.
    pub(super) covers: Option<u64>,
    /// What is wrong with it by itself.
    fault: Option<String>,
    /// The index, where there is nothing.
    sound: Option<Sidecar>,
    is_compared: bool,
}

/// How much is read of a file that is no index, to say from where on it is none.
const MOST_UNKNOWN: u64 = 16 << 20;

impl IndexFile {
    /// The index of a segment; `None` where there is none. One that cannot be read is a damaged one.
    pub(super) fn read(
        disk: &dyn Disk,
        store: StoreId,
        (start, of): (SegmentStart, IndexOf),
    ) -> Option<Self> {
        let name = of.file_name(start);
        let described = disk.describe(&name);
        let (covers, fault, sound) = match Sidecar::open(disk, store.as_bytes(), start, of) {
            Ok(sidecar) => match sidecar.check_sections() {
                Ok(()) => (Some(sidecar.covers()), None, Some(sidecar)),
                Err(fault) => (Some(sidecar.covers()), Some(fault.to_string()), None),
            },
            Err(fault) => (None, Some(fault.to_string()), None),
        };
        // Where its header makes no sense, nobody knows how long it should be.
        let most = if covers.is_some() { u64::MAX } else { MOST_UNKNOWN };
        let bytes = match read_whole(disk, &name, most) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                let fault = Some(format!("it cannot be read: {error}"));
                let (bytes, covers) = (Vec::new(), None);
                return Some(Self {
                    start,
                    described,
                    bytes,
                    covers,
                    fault,
                    sound: None,
                    is_compared: false,
                });
            }
        };
        Some(Self { start, described, bytes, covers, fault, sound, is_compared: false })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Whether it was held against its segment.
    pub(super) fn is_compared(&self) -> bool {
        self.is_compared
    }

    /// Holds it against the index that the segment itself gives, up to the same place: the same events give the same bytes.
    pub(super) fn compare(
        &mut self,
        store: StoreId,
        covers: u64,
        last_position: u64,
        index: &ActiveIndex,
    ) -> Option<Damage> {
        self.is_compared = true;
        let encode = || Sidecar::encode(store.as_bytes(), self.start, covers, last_position, index);
        let Ok(expected) = encode() else { return self.damage_alone() };
        let mut at = self.differs_at(&expected)?;
        if self.forget_what_it_does_not_know(index) {
            let Ok(expected) = encode() else { return self.damage_alone() };
            at = self.differs_at(&expected)?;
        }
        let detail = match &self.fault {
            Some(fault) => fault.clone(),
            None => "the index says something else than its segment".to_owned(),
        };
        Some(self.damage(at as u64, detail))
    }

    fn differs_at(&self, expected: &[u8]) -> Option<usize> {
        let differs = expected.iter().zip(&self.bytes).position(|(one, other)| one != other);
        let shorter = expected.len().min(self.bytes.len());
        differs.or_else(|| (expected.len() != self.bytes.len()).then_some(shorter))
    }

    /// An index that was made anew of its segment alone does not know where its streams begin: takes that from another too. False
    /// where there is nothing of the kind.
    fn forget_what_it_does_not_know(&self, index: &ActiveIndex) -> bool {
        let Some(sound) = &self.sound else { return false };
        let mut any = false;
        let read = sound.streams(&mut |stream, part| {
            any |= part.previous == Previous::Unknown && index.forget_previous(stream);
        });
        any && read.is_ok()
    }

    /// What is wrong with it by itself, where it could not be held against its segment.
    pub(super) fn damage_alone(&self) -> Option<Damage> {
        self.fault.clone().map(|fault| self.damage(0, fault))
    }

    fn damage(&self, offset: u64, detail: String) -> Damage {
        Damage { file: self.described.clone(), offset, detail }
    }
}
