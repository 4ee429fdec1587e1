/// How well a cache of states serves, since it was made.
///
/// Each number is exact; taken while others are at work, they need not be of the same instant.
///
/// ```
/// use allframe_cqrs::CacheStats;
///
/// assert_eq!(CacheStats::default().hit_rate(), None);      // nobody has asked yet
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// How often a state was asked for that was in the cache, so that only the tail of its stream was read.
    pub hits: u64,
    /// How often a state was asked for that was not there: the stream was read from its beginning, or from a snapshot. All
    /// of them where there is no cache.
    pub misses: u64,
    /// How many events were read from the store for it.
    pub events_read: u64,
    /// How many states had to go, or were not let in, for want of room.
    pub evictions: u64,
    /// How many states the cache holds now.
    pub entries: usize,
}

impl CacheStats {
    /// The share of hits, from 0 to 1; `None` as long as nothing was asked for.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
    pub fn hit_rate(&self) -> Option<f64> {
        match self.hits.saturating_add(self.misses) {
            0 => None,
            asked => Some(self.hits as f64 / asked as f64),
        }
    }
}
