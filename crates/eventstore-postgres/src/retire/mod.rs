//! Moving old partitions out of the log, into Parquet files.

mod part_file;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use eventstore_api::{GlobalPosition, ReadAll, Result, StoreError, Timestamp};
use tokio_postgres::Row;

use self::part_file::PartFile;
use crate::{
    PostgresBackend,
    columns::{get, moment, number, signed},
    error::of_read,
    read,
};

/// What stays in the log. What both of them let go is moved out of it, a partition at a time.
///
/// ```
/// use std::time::Duration;
/// use eventstore_postgres::RetentionPolicy;
///
/// // A year, and a million events where there are fewer in a year.
/// let policy = RetentionPolicy { keep_for: Duration::from_secs(365 * 86_400), keep_events: 1_000_000 };
/// # assert_ne!(policy, RetentionPolicy::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// How long events stay, counted from when they were recorded; 365 days by default.
    pub keep_for: Duration,
    /// How many of the last events stay in any case; 0 by default.
    pub keep_events: u64,
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self { keep_for: Duration::from_secs(365 * 86_400), keep_events: 0 }
    }
}

/// A partition that is a file now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetiredPartition {
    /// The file.
    pub file: PathBuf,
    /// The position of its first event.
    pub first_position: GlobalPosition,
    /// The position of its last event.
    pub last_position: GlobalPosition,
}

impl PostgresBackend {
    /// Moves old partitions out of the log into Parquet files in a directory, oldest first, and says which.
    ///
    /// Of each, all events are written to a file; the file is read back and made durable; and only then the partition goes. So
    /// whatever happens in between, every event is in the log or in a file, or in both. Called again, it goes on where it was.
    ///
    /// What was moved out is **no longer a part of the store**: reads begin behind it, and append conditions do not see it.
    /// Streams go on with their versions, and no id is stored a second time: to append an event again that was moved out
    /// is an error ([`PostgresError::Retired`](crate::PostgresError::Retired)). The files can be read with
    /// `eventstore-parquet` and other tools, and imported elsewhere with the tool `eventstore`.
    ///
    /// It takes a store in partitions ([`Partitioning`](crate::Partitioning)), of which the last never goes, and the
    /// owner of the tables. Appends go on meanwhile, but for a moment when a partition is let go, in which reads wait too.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`] when the file cannot be written, [`StoreError::Corrupted`] when it does not read back as it
    /// was written; what kept the store from reading; what keeps the server from letting the partition go. The partition
    /// stays then. After [`StoreError::OutcomeUnknown`] it may be gone, and the file is there.
    ///
    /// # Cancellation
    ///
    /// Dropped early, it leaves an unfinished file with a name that ends in `.new`, which the next call begins anew.
    pub async fn retire(
        &self,
        directory: impl AsRef<Path>,
        policy: RetentionPolicy,
    ) -> Result<Vec<RetiredPartition>> {
        let mut retired = Vec::new();
        while let Some(oldest) = self.oldest_to_go(policy).await? {
            let file = self.write_out(&oldest, directory.as_ref()).await?;
            self.let_go(&oldest, &file).await?;
            retired.push(RetiredPartition {
                file,
                first_position: oldest.first_position,
                last_position: oldest.last_position,
            });
        }
        Ok(retired)
    }

    async fn oldest_to_go(&self, policy: RetentionPolicy) -> Result<Option<Partition>> {
        let rows = read::query(&self.store, &self.store.sql.oldest_partition, &[]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (oldest, head, now) = (Partition::of(row)?, number(row, 3)?, moment(row, 4)?);
        let stay = head.saturating_sub(oldest.last_position.get());
        let age = now.as_micros().saturating_sub(oldest.recorded_at.as_micros());
        let is_old = i128::from(age) >= i128::try_from(policy.keep_for.as_micros()).unwrap_or(i128::MAX);
        Ok((stay >= policy.keep_events && is_old).then_some(oldest))
    }

    async fn write_out(&self, partition: &Partition, directory: &Path) -> Result<PathBuf> {
        let Partition { first_position, last_position, .. } = *partition;
        let name = format!("events-{:012}-{:012}.parquet", first_position.get(), last_position.get());
        let mut file = PartFile::create(directory.join(name)).await?;
        let mut query = ReadAll::after(GlobalPosition::new(first_position.get() - 1)).limit(4_096);
        let mut rest = last_position.get() + 1 - first_position.get();
        while rest > 0 {
            query.limit = query.limit.min(usize::try_from(rest).unwrap_or(usize::MAX));
            let page = read::read_all(&self.store, &query).await?;
            if page.events.is_empty() {
                let place = format!("event_log, position {}", query.after.get() + 1);
                return Err(StoreError::Corrupted { place, detail: "the log has a gap".to_owned() });
            }
            rest -= page.events.len() as u64;
            query = query.next_page(&page);
            file = file.write(page.events).await?;
        }
        file.finish(last_position.get() + 1 - first_position.get()).await
    }

    async fn let_go(&self, partition: &Partition, file: &Path) -> Result<()> {
        let (first, file) = (signed(partition.first_position.get()), file.to_string_lossy());
        let mut connection = self.store.connections.get().await?;
        let transaction = connection.transaction().await.map_err(of_read)?;
        // Readers and this wait for each other. Whoever reads for hours is not to hold everybody up.
        transaction.batch_execute("SET LOCAL lock_timeout = '5s'").await.map_err(of_read)?;
        transaction.execute(&self.store.sql.retire_partition, &[&first, &&*file]).await.map_err(of_read)?;
        transaction.commit().await.map_err(crate::error::of_write)
    }
}

/// A partition that is full.
struct Partition {
    first_position: GlobalPosition,
    last_position: GlobalPosition,
    /// When its last event was.
    recorded_at: Timestamp,
}

impl Partition {
    fn of(row: &Row) -> Result<Self> {
        let [first_position, beyond] = [get::<i64>(row, 0)?, get::<i64>(row, 1)?].map(i64::unsigned_abs);
        Ok(Self {
            first_position: GlobalPosition::new(first_position),
            last_position: GlobalPosition::new(beyond.saturating_sub(1)),
            recorded_at: moment(row, 2)?,
        })
    }
}
