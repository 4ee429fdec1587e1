//! Copying and comparing snapshots.

use std::slice;

use eventstore_api::{EventStoreBackend, Snapshot, SnapshotStreams, StreamId};
use futures_util::future::join;

use crate::{Difference, Migration, MigrationError, digest::Digester};

/// How many snapshots are in memory at a time.
const MOST: usize = 512;

/// Snapshots on their way, some at a time.
pub(crate) struct SnapshotCopy<'m> {
    migration: &'m Migration<'m>,
    names: Names<'m>,
}

impl<'m> SnapshotCopy<'m> {
    /// The snapshots of these streams.
    pub(crate) fn new(migration: &'m Migration<'m>, names: Names<'m>) -> Self {
        Self { migration, names }
    }

    /// Whether all are taken.
    pub(crate) fn is_done(&self) -> bool {
        self.names.is_done()
    }

    /// The next ones that the target does not have as they are: few enough to be kept in memory.
    pub(crate) async fn take(&mut self) -> Result<Vec<Snapshot>, MigrationError> {
        let Migration { source, target, page, .. } = self.migration;
        let (mut taken, mut bytes) = (Vec::new(), 0);
        for _ in 0..MOST {
            let name = self.names.next().await.map_err(MigrationError::Source)?;
            let Some(name) = name else { break };
            let (from, to) = join(source.get_latest_snapshot(&name), target.get_latest_snapshot(&name)).await;
            let (from, to) = (from.map_err(MigrationError::Source)?, to.map_err(MigrationError::Target)?);
            if let Some(snapshot) =
                from.filter(|from| to.is_none_or(|to| to.version <= from.version && to != *from))
            {
                bytes += snapshot.payload.len();
                taken.push(snapshot);
            }
            if bytes >= page.bytes {
                break;
            }
        }
        Ok(taken)
    }

    /// Saves what was taken, and tells of each that is.
    pub(crate) async fn save(&self, taken: Vec<Snapshot>, is_saved: impl Fn()) -> Result<(), MigrationError> {
        for snapshot in taken {
            self.migration.target.save_snapshot(snapshot).await.map_err(MigrationError::Target)?;
            is_saved();
        }
        Ok(())
    }
}

/// Compares the snapshots of these streams, and says how many are the same; and of which the source has a later one, or another of
/// the same version, or the only one.
pub(crate) async fn compare(
    migration: &Migration<'_>,
    mut names: Names<'_>,
    mut digester: Option<&mut Digester>,
    mut is_behind: impl FnMut(StreamId),
) -> Result<u64, MigrationError> {
    let Migration { source, target, .. } = migration;
    let mut same = 0;
    while let Some(name) = names.next().await.map_err(MigrationError::Target)? {
        // The target first: what it has then, the source had before.
        let to = target.get_latest_snapshot(&name).await.map_err(MigrationError::Target)?;
        let from = source.get_latest_snapshot(&name).await.map_err(MigrationError::Source)?;
        let Some(to) = to else {
            if from.is_some() {
                is_behind(name);
            }
            continue;
        };
        if let Some(difference) = Difference::of_snapshots(from.as_ref(), &to) {
            return Err(MigrationError::Differs(difference));
        }
        if let Some(digester) = &mut digester {
            digester.snapshot(&to);
        }
        match from {
            Some(from) if from != to => is_behind(name),
            _ => same += 1,
        }
    }
    Ok(same)
}

/// Says of which streams the source has a snapshot, and the target none. Those that are known are passed over.
pub(crate) async fn look_for_missing(
    migration: &Migration<'_>,
    is_known: impl Fn(&StreamId) -> bool,
    mut is_missing: impl FnMut(StreamId),
) -> Result<(), MigrationError> {
    let mut names = Names::of(migration.source);
    while let Some(name) = names.next().await.map_err(MigrationError::Source)? {
        if is_known(&name) {
            continue;
        }
        let to = migration.target.get_latest_snapshot(&name).await.map_err(MigrationError::Target)?;
        if to.is_none() {
            is_missing(name);
        }
    }
    Ok(())
}

/// Streams that may have a snapshot.
pub(crate) enum Names<'s> {
    /// All that have one, in their order.
    Of(SnapshotStreams<'s>),
    Listed(slice::Iter<'s, StreamId>),
}

impl<'s> Names<'s> {
    /// All of this store.
    pub(crate) fn of(store: &'s dyn EventStoreBackend) -> Self {
        Self::Of(SnapshotStreams::of(store))
    }

    /// These.
    pub(crate) fn listed(names: &'s [StreamId]) -> Self {
        Self::Listed(names.iter())
    }

    async fn next(&mut self) -> eventstore_api::Result<Option<StreamId>> {
        match self {
            Self::Of(streams) => streams.next().await,
            Self::Listed(names) => Ok(names.next().cloned()),
        }
    }

    fn is_done(&self) -> bool {
        match self {
            Self::Of(streams) => streams.is_done(),
            Self::Listed(names) => names.len() == 0,
        }
    }
}
