//! One file: what reads see, what is durable, and everything in between.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    chooser::Chooser,
    image::{Image, PAGE, Page},
    operation::Fate,
};

/// A file without its name.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    live: Image,
    durable: Image,
    unsynced: BTreeMap<usize, Unsynced>,
    /// Every length since the last sync, the current one last. How many of them there were is the age of a version.
    lengths: Vec<usize>,
    /// The device dropped something: what reads see is not what will be durable.
    has_lost: bool,
}

/// What a sector has held since the last sync.
#[derive(Clone, Debug, Default)]
struct Unsynced {
    versions: Vec<Version>,
    is_dirty: Dirt,
}

/// Whether the next sync writes the sector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Dirt {
    #[default]
    Dirty,
    /// A sync failed. The system takes the page for clean, and how much of it has reached the disk nobody knows.
    Forgotten,
}

/// The page that the sector is in, as it was after a write.
#[derive(Clone, Debug)]
struct Version {
    page: Arc<Page>,
    age: usize,
}

impl File {
    pub(super) fn live(&self) -> &Image {
        &self.live
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize, sector_size: usize, fate: Fate) {
        if bytes.is_empty() {
            return;
        }
        let before = self.live.length();
        self.live.write(bytes, offset);
        if self.live.length() != before {
            self.lengths.push(self.live.length());
        }
        if fate == Fate::Lost {
            self.has_lost = true;
            return;
        }
        for sector in offset / sector_size..=(offset + bytes.len() - 1) / sector_size {
            self.remember(sector, sector_size);
        }
    }

    /// The sector is dirty, and one version older.
    fn remember(&mut self, sector: usize, sector_size: usize) {
        let bytes = sector * sector_size..(sector + 1) * sector_size;
        let Some(page) = self.live.page(bytes.start / PAGE) else { return };
        // The same bytes once more are no version of their own, unless the file was cut off in between.
        let is_same = |age| cut(&self.lengths, age) >= bytes.end;
        match self.unsynced.get_mut(&sector) {
            None if is_same(0) && self.durable.agrees(bytes.clone(), page) => return,
            Some(Unsynced { versions, is_dirty }) => {
                *is_dirty = Dirt::Dirty;
                let is_last =
                    |last: &Version| is_same(last.age) && self.live.agrees(bytes.clone(), &last.page);
                if versions.last().is_some_and(is_last) {
                    return;
                }
            }
            None => {}
        }
        let version = Version { page: Arc::clone(page), age: self.lengths.len() };
        self.unsynced.entry(sector).or_default().versions.push(version);
    }

    pub(super) fn set_length(&mut self, length: usize) {
        if self.live.length() != length {
            self.live.set_length(length);
            self.lengths.push(length);
        }
    }

    pub(super) fn sync(&mut self, sector_size: usize) {
        let lengths = std::mem::take(&mut self.lengths);
        let durable = &mut self.durable;
        durable.cut(cut(&lengths, 0));
        if let Some(length) = lengths.last() {
            durable.set_length(*length);
        }
        self.unsynced.retain(|sector, unsynced| {
            let start = sector * sector_size;
            match unsynced.is_dirty {
                Dirt::Dirty => {
                    if let Some(version) = unsynced.versions.last() {
                        let end = cut(&lengths, version.age).min(start + sector_size);
                        durable.take(start..end.max(start), &version.page);
                    }
                    false
                }
                Dirt::Forgotten => {
                    for version in &mut unsynced.versions {
                        let end = cut(&lengths, version.age).min(start + sector_size).max(start) - start;
                        let sector = Arc::make_mut(&mut version.page).iter_mut();
                        sector.skip(start % PAGE).take(sector_size).skip(end).for_each(|byte| *byte = 0);
                        version.age = 0;
                    }
                    true
                }
            }
        });
    }

    /// The length is metadata, which the system does not forget: a later sync makes it durable.
    pub(super) fn fail_sync(&mut self) {
        self.unsynced.values_mut().for_each(|unsynced| unsynced.is_dirty = Dirt::Forgotten);
    }

    pub(super) fn flip(&mut self, offset: usize, bit: u8, sector_size: usize) {
        self.live.flip(offset, bit);
        self.durable.flip(offset, bit);
        if let Some(unsynced) = self.unsynced.get_mut(&(offset / sector_size)) {
            for version in &mut unsynced.versions {
                if let Some(byte) = Arc::make_mut(&mut version.page).get_mut(offset % PAGE) {
                    *byte ^= 1 << (bit % 8);
                }
            }
        }
    }

    /// What is left of the file when the power is back; `None` when that is all of it.
    pub(super) fn crash(&self, sector_size: usize, chooser: &mut dyn Chooser) -> Option<Self> {
        if self.unsynced.is_empty() && self.lengths.is_empty() && !self.has_lost {
            // What makes the shortcut right, and would otherwise hide a sync that forgets something.
            #[cfg(test)]
            assert_eq!(self.live.bytes(), self.durable.bytes());
            return None;
        }
        // Lengths are metadata, which a journal keeps in order: one that survives has had all before it.
        let kept = match self.lengths.len() {
            0 => 0,
            lengths => chooser.choose(lengths + 1),
        };
        let lengths = self.lengths.get(..kept).unwrap_or(&self.lengths);
        let length = lengths.last().copied().unwrap_or_else(|| self.durable.length());
        let mut image = self.durable.clone();
        image.cut(cut(lengths, 0));
        image.set_length(length);
        for (sector, unsynced) in &self.unsynced {
            let start = sector * sector_size;
            if start >= length {
                break;
            }
            let versions = &unsynced.versions;
            let chosen = chooser.choose(versions.len() + 1).min(versions.len());
            if let Some(version) = chosen.checked_sub(1).and_then(|index| versions.get(index)) {
                let end = cut(lengths, version.age).min(start + sector_size).min(length);
                image.take(start..end.max(start), &version.page);
            }
        }
        Some(Self { live: image.clone(), durable: image, ..Self::default() })
    }
}

/// Where something of this age was cut off by the lengths that came after it. What the file got back beyond that when it
/// was lengthened again is zero.
fn cut(lengths: &[usize], age: usize) -> usize {
    lengths.get(age..).and_then(|later| later.iter().min().copied()).unwrap_or(usize::MAX)
}
