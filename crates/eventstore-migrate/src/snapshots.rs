//! Copying and comparing snapshots.

use std::vec;

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

    /// Saves what was taken, and says how many that are.
    pub(crate) async fn save(&self, taken: Vec<Snapshot>) -> Result<u64, MigrationError> {
        let count = taken.len() as u64;
        for snapshot in taken {
            self.migration.target.save_snapshot(snapshot).await.map_err(MigrationError::Target)?;
        }
        Ok(count)
    }
}

/// What comparing snapshots came to.
#[derive(Default)]
pub(crate) struct Compared {
    /// How many are the same.
    pub(crate) same: u64,
    /// Of how many the source has a later one, or another of the same version, or the only one.
    pub(crate) behind: u64,
}

/// Compares the snapshots of these streams.
pub(crate) async fn compare(
    migration: &Migration<'_>,
    mut names: Names<'_>,
    mut digester: Option<&mut Digester>,
) -> Result<Compared, MigrationError> {
    let Migration { source, target, .. } = migration;
    let mut compared = Compared::default();
    while let Some(name) = names.next().await.map_err(MigrationError::Target)? {
        // The target first: what it has then, the source had before.
        let to = target.get_latest_snapshot(&name).await.map_err(MigrationError::Target)?;
        let from = source.get_latest_snapshot(&name).await.map_err(MigrationError::Source)?;
        let Some(to) = to else {
            compared.behind += u64::from(from.is_some());
            continue;
        };
        if let Some(difference) = Difference::of_snapshots(from.as_ref(), &to) {
            return Err(MigrationError::Differs(difference));
        }
        if let Some(digester) = &mut digester {
            digester.snapshot(&to);
        }
        match from {
            Some(from) if from != to => compared.behind += 1,
            _ => compared.same += 1,
        }
    }
    Ok(compared)
}

/// Of how many streams the source has a snapshot, and the target none.
pub(crate) async fn missing(migration: &Migration<'_>) -> Result<u64, MigrationError> {
    let mut names = Names::of(migration.source);
    let mut missing = 0;
    while let Some(name) = names.next().await.map_err(MigrationError::Source)? {
        let to = migration.target.get_latest_snapshot(&name).await.map_err(MigrationError::Target)?;
        missing += u64::from(to.is_none());
    }
    Ok(missing)
}

/// Streams that may have a snapshot.
pub(crate) enum Names<'s> {
    /// All that have one, in their order.
    Of(SnapshotStreams<'s>),
    Listed(vec::IntoIter<StreamId>),
}

impl<'s> Names<'s> {
    /// All of this store.
    pub(crate) fn of(store: &'s dyn EventStoreBackend) -> Self {
        Self::Of(SnapshotStreams::of(store))
    }

    /// These.
    pub(crate) fn listed(names: impl IntoIterator<Item = StreamId>) -> Self {
        Self::Listed(names.into_iter().collect::<Vec<_>>().into_iter())
    }

    async fn next(&mut self) -> eventstore_api::Result<Option<StreamId>> {
        match self {
            Self::Of(streams) => streams.next().await,
            Self::Listed(names) => Ok(names.next()),
        }
    }

    fn is_done(&self) -> bool {
        match self {
            Self::Of(streams) => streams.is_done(),
            Self::Listed(names) => names.len() == 0,
        }
    }
}
