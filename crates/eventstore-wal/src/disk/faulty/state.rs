//! All files and names at one moment. A copy is cheap, and changes nothing of what it is a copy of.

use std::{collections::BTreeMap, hash::BuildHasher, hash::Hasher, sync::Arc};

use super::{
    chooser::Chooser,
    file::File,
    names::{FileId, NameChange, Names},
    operation::Operation,
};

#[derive(Clone, Debug)]
pub(super) struct State {
    sector_size: usize,
    files: Vec<Option<Arc<File>>>,
    names: Arc<Names>,
}

impl State {
    pub(super) fn new(sector_size: usize) -> Self {
        Self { sector_size, files: Vec::new(), names: Arc::default() }
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    pub(super) fn file(&self, file: FileId) -> Option<&File> {
        self.files.get(file)?.as_deref()
    }

    /// The number of a file that is created next.
    pub(super) fn next_file(&self) -> FileId {
        self.files.len()
    }

    pub(super) fn apply(&mut self, operation: Operation<'_>) {
        let sector_size = self.sector_size;
        match operation {
            Operation::Nothing => {}
            Operation::Write { file, offset, bytes, fate } => {
                self.change(file, |file| file.write(&bytes, offset, sector_size, fate));
            }
            Operation::SetLength { file, length } => self.change(file, |file| file.set_length(length)),
            Operation::Sync { file } => self.change(file, |file| file.sync(sector_size)),
            Operation::FailedSync { file } => self.change(file, File::fail_sync),
            Operation::Flip { file, offset, bit } => {
                self.change(file, |file| file.flip(offset, bit, sector_size));
            }
            Operation::Name(change) => {
                if let NameChange::Create { file, .. } = change {
                    self.files.resize(self.files.len().max(file + 1), None);
                    if let Some(slot) = self.files.get_mut(file) {
                        *slot = Some(Arc::default());
                    }
                }
                Arc::make_mut(&mut self.names).change(change);
            }
            Operation::SyncNames => Arc::make_mut(&mut self.names).sync(),
        }
    }

    /// A file that is gone has no more to lose.
    fn change(&mut self, file: FileId, change: impl FnOnce(&mut File)) {
        if let Some(Some(file)) = self.files.get_mut(file) {
            change(Arc::make_mut(file));
        }
    }

    /// Lets go of the files that neither a name nor `is_open` holds.
    pub(super) fn collect(&mut self, is_open: impl Fn(FileId) -> bool) {
        if !self.names.are_synced() {
            return;
        }
        let mut is_named = vec![false; self.files.len()];
        for (_, file) in self.names.live() {
            if let Some(named) = is_named.get_mut(file) {
                *named = true;
            }
        }
        for (id, (file, is_named)) in self.files.iter_mut().zip(is_named).enumerate() {
            if !is_named && !is_open(id) {
                *file = None;
            }
        }
    }

    /// What is there when the power is back.
    pub(super) fn crash(&self, chooser: &mut dyn Chooser) -> Self {
        let names = match self.names.are_synced() {
            true => Arc::clone(&self.names),
            false => Arc::new(self.names.crash(chooser)),
        };
        let mut files = vec![None; self.files.len()];
        for (_, id) in names.live() {
            if let (Some(Some(old)), Some(new)) = (self.files.get(id), files.get_mut(id)) {
                *new = Some(old.crash(self.sector_size, chooser).map_or_else(|| Arc::clone(old), Arc::new));
            }
        }
        Self { sector_size: self.sector_size, files, names }
    }

    /// The bytes that the files take which a name or `is_open` holds.
    pub(super) fn allocated(&self, is_open: impl Fn(FileId) -> bool) -> usize {
        let is_there = |id: FileId| is_open(id) || self.names.live().any(|(_, named)| named == id);
        let files = self.files.iter().enumerate().filter(|(id, _)| is_there(*id));
        files.filter_map(|(_, file)| Some(file.as_ref()?.live().allocated())).sum()
    }

    pub(super) fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let named = self.names.live();
        named.filter_map(|(name, id)| Some((name.to_string(), self.file(id)?.live().bytes()))).collect()
    }

    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = foldhash::quality::FixedState::default().build_hasher();
        for (name, id) in self.names.live() {
            hasher.write(name.as_bytes());
            hasher.write_u8(0xFF);
            let Some(file) = self.file(id) else { continue };
            hasher.write_usize(file.live().length());
            for (index, page) in file.live().contents() {
                hasher.write_usize(index);
                hasher.write(page);
            }
            hasher.write_usize(usize::MAX);
        }
        hasher.finish()
    }
}
