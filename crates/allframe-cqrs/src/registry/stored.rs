use std::{fmt, sync::Arc};

use eventstore_api::{EventStoreBackend, GlobalPosition, SnapshotStreams, StoreError, StreamId};

use super::{effects::KeptWatermark, kept_state::KeptState};
use crate::{Error, EventStore, Result};

/// The states of projections that are kept in a store, for people. The types of their states are not needed.
///
/// A read model in a database, or in memory alone, is not among them.
///
/// ```
/// # #[allframe_cqrs::event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Paid { amount: u64 }
/// use allframe_cqrs::{EventStore, StoredProjections};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::<Paid>::new();
/// assert!(StoredProjections::of(&store).list().await?.is_empty());
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct StoredProjections {
    backend: Arc<dyn EventStoreBackend>,
}

/// What a store keeps of a version of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredProjection {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// The state is that after the events up to here.
    pub position: GlobalPosition,
    /// How large the state is; unknown where it is in an unknown form.
    pub bytes: Option<usize>,
    /// Up to where the effects of all its versions are done, whether it has any; `None` where that is not kept.
    pub effects: Option<GlobalPosition>,
}

impl StoredProjections {
    /// Those in this store.
    #[must_use]
    pub fn of<E, B: EventStoreBackend>(store: &EventStore<E, B>) -> Self {
        Self { backend: store.shared_backend() }
    }

    /// All whose states are kept, every version of each, in the order of their names and versions.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn list(&self) -> Result<Vec<StoredProjection>> {
        self.beginning_with("$projection-").await
    }

    /// The versions of a projection whose states are kept; none where it is not known.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store), also for a name that makes no legal stream.
    pub async fn named(&self, name: &str) -> Result<Vec<StoredProjection>> {
        let mut found = self.beginning_with(&format!("$projection-{name}-v")).await?;
        found.retain(|projection| projection.name == name);
        Ok(found)
    }

    /// One version of a projection; `None` where its state is not kept.
    ///
    /// # Errors
    ///
    /// As [`StoredProjections::named`].
    pub async fn version(&self, name: &str, version: u32) -> Result<Option<StoredProjection>> {
        let kept = KeptState::new(Arc::clone(&self.backend), name, version)?;
        let Some(look) = kept.look().await? else { return Ok(None) };
        let effects = KeptWatermark::new(Arc::clone(&self.backend), name)?.load().await?;
        let (name, position, bytes) = (name.to_owned(), look.position, look.bytes);
        Ok(Some(StoredProjection { name, version, position, bytes, effects }))
    }

    async fn beginning_with(&self, prefix: &str) -> Result<Vec<StoredProjection>> {
        let mut streams = SnapshotStreams::behind(&self.backend, Some(StreamId::new(prefix.to_owned())?));
        let mut found = Vec::new();
        while let Some(stream) = streams.next().await?
            && stream.as_str().starts_with(prefix)
        {
            let Some((name, version)) = Self::of_stream(&stream) else { continue };
            match self.version(name, version).await {
                // Nobody keeps a state under it: the names of its parts would be too long.
                Err(Error::Store(StoreError::InvalidInput(_))) => {}
                projection => found.extend(projection?),
            }
        }
        found.sort_by(|one, other| (&one.name, one.version).cmp(&(&other.name, other.version)));
        Ok(found)
    }

    /// The name and the version of the projection whose state is the snapshot of this stream.
    #[must_use]
    pub fn of_stream(stream: &StreamId) -> Option<(&str, u32)> {
        let (name, digits) = stream.as_str().strip_prefix("$projection-")?.rsplit_once("-v")?;
        let version: u32 = digits.parse().ok()?;
        // No other way to write it: `+7` and `07` are of nobody.
        (version.to_string() == digits).then_some((name, version))
    }
}

impl fmt::Debug for StoredProjections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredProjections").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_told_from_its_parts_and_from_what_stands_beside_it() {
        let of = |name: &'static str| {
            StoredProjections::of_stream(&StreamId::new(name).unwrap())
                .map(|(name, version)| (name.to_owned(), version))
        };
        assert_eq!(of("$projection-turnover-v1"), Some(("turnover".to_owned(), 1)));
        assert_eq!(of("$projection-per-version-v2-v12"), Some(("per-version-v2".to_owned(), 12)));
        for other in [
            "$projection-turnover-v1/a/0",
            "$projection-effects-turnover",
            "projection-turnover-v1",
            "$projection-turnover-v01",
            "$projection-turnover-v+1",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
