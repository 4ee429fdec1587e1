//! What can be done to a disk, with the faults already in it.

use std::{borrow::Cow, fmt};

use super::names::{FileId, NameChange};

/// One boundary. That nothing else changes a disk is what makes a journal of these as good as the run.
#[derive(Clone, Debug)]
pub(super) enum Operation<'a> {
    /// Something that was refused, or interrupted, before it did anything.
    Nothing,
    Write {
        file: FileId,
        offset: usize,
        bytes: Cow<'a, [u8]>,
        fate: Fate,
    },
    SetLength {
        file: FileId,
        length: usize,
    },
    Sync {
        file: FileId,
    },
    FailedSync {
        file: FileId,
    },
    Name(NameChange),
    SyncNames,
    Flip {
        file: FileId,
        offset: usize,
        bit: u8,
    },
}

/// What becomes of a write that the disk said yes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    Lost,
}

impl Operation<'_> {
    /// Whether a crash in the middle of it leaves what a crash before it could leave: then it is not performed.
    pub(super) fn is_sync(&self) -> bool {
        matches!(self, Self::Sync { .. } | Self::SyncNames)
    }

    pub(super) fn into_owned(self) -> Operation<'static> {
        match self {
            Self::Write { file, offset, bytes, fate } => {
                Operation::Write { file, offset, bytes: Cow::Owned(bytes.into_owned()), fate }
            }
            Self::Nothing => Operation::Nothing,
            Self::SetLength { file, length } => Operation::SetLength { file, length },
            Self::Sync { file } => Operation::Sync { file },
            Self::FailedSync { file } => Operation::FailedSync { file },
            Self::Name(change) => Operation::Name(change),
            Self::SyncNames => Operation::SyncNames,
            Self::Flip { file, offset, bit } => Operation::Flip { file, offset, bit },
        }
    }
}

impl fmt::Display for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => write!(f, "nothing"),
            Self::Write { file, offset, bytes, fate } => {
                let fate = if *fate == Fate::Lost { ", lost" } else { "" };
                write!(f, "write {} bytes at {offset} of file {file}{fate}", bytes.len())
            }
            Self::SetLength { file, length } => write!(f, "set the length of file {file} to {length}"),
            Self::Sync { file } => write!(f, "sync file {file}"),
            Self::FailedSync { file } => write!(f, "fail to sync file {file}"),
            Self::Name(NameChange::Create { name, file }) => write!(f, "create {name}, file {file}"),
            Self::Name(NameChange::Rename { from, to }) => write!(f, "rename {from} to {to}"),
            Self::Name(NameChange::Remove { name }) => write!(f, "remove {name}"),
            Self::SyncNames => write!(f, "sync the names"),
            Self::Flip { file, offset, bit } => write!(f, "flip bit {bit} of byte {offset} of file {file}"),
        }
    }
}
