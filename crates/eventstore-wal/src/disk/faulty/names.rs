//! The names of the directory: what a look at it shows, and what is durable of that.

use std::{collections::BTreeMap, sync::Arc};

use super::chooser::Chooser;

/// Which file, whatever its name.
pub(super) type FileId = usize;

/// A name that was given, changed or taken away.
#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Create { name: Arc<str>, file: FileId },
    Rename { from: Arc<str>, to: Arc<str> },
    Remove { name: Arc<str> },
}

impl NameChange {
    /// Both names at once, so that a rename is never half.
    fn apply(&self, names: &mut BTreeMap<Arc<str>, FileId>) {
        match self {
            Self::Create { name, file } => {
                names.insert(Arc::clone(name), *file);
            }
            Self::Rename { from, to } => {
                if let Some(file) = names.remove(from) {
                    names.insert(Arc::clone(to), file);
                }
            }
            Self::Remove { name } => {
                names.remove(name);
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        let (name, other) = match self {
            Self::Create { name, .. } | Self::Remove { name } => (name, None),
            Self::Rename { from, to } => (from, Some(to)),
        };
        std::iter::once(name).chain(other)
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    live: BTreeMap<Arc<str>, FileId>,
    durable: BTreeMap<Arc<str>, FileId>,
    unsynced: Vec<NameChange>,
}

impl Names {
    pub(super) fn find(&self, name: &str) -> Option<FileId> {
        self.live.get(name).copied()
    }

    /// In the order of the names.
    pub(super) fn live(&self) -> impl Iterator<Item = (&Arc<str>, FileId)> {
        self.live.iter().map(|(name, file)| (name, *file))
    }

    pub(super) fn change(&mut self, change: NameChange) {
        change.apply(&mut self.live);
        self.unsynced.push(change);
    }

    pub(super) fn sync(&mut self) {
        self.durable.clone_from(&self.live);
        self.unsynced.clear();
    }

    pub(super) fn are_synced(&self) -> bool {
        self.unsynced.is_empty()
    }

    /// Each change survives or not, but never without the changes before it to one of its names.
    pub(super) fn crash(&self, chooser: &mut dyn Chooser) -> Self {
        let mut names = self.durable.clone();
        let mut lost: Vec<&Arc<str>> = Vec::new();
        for change in &self.unsynced {
            let is_possible = !change.names().any(|name| lost.contains(&name));
            if is_possible && chooser.choose(2) > 0 {
                change.apply(&mut names);
            } else {
                lost.extend(change.names());
            }
        }
        Self { live: names.clone(), durable: names, unsynced: Vec::new() }
    }
}
