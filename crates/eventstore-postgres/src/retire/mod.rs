//! Moving old partitions out of the log, into Parquet files.

mod part_file;

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use eventstore_api::{GlobalPosition, ReadAll, Result, StoreError, Timestamp};
use tokio_postgres::Row;

use self::part_file::PartFile;
use crate::{
    PostgresBackend,
    columns::{moment, number, signed},
    error::{of_read, of_write},
    read, requests,
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
    /// owner of the tables. For each partition it reads all of it twice, and then takes the turn of those who append for
    /// the moment in which it is dropped, for which readers wait too; it waits 5 s for them at most. The files are called
    /// `SCHEMA-FIRST-LAST.parquet`. One that is there already and holds anything else is not touched.
    ///
    /// ```no_run
    /// use eventstore_postgres::{PostgresBackend, RetentionPolicy};
    ///
    /// # async fn retire(store: &PostgresBackend) -> eventstore_api::Result<()> {
    /// for retired in store.retire("old-events", RetentionPolicy::default()).await? {
    ///     println!("{} to {} are in {}", retired.first_position, retired.last_position, retired.file.display());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`] when the file cannot be written, or another file is in its place; [`StoreError::Corrupted`]
    /// when it does not read back as it was written; what kept the store from reading; what keeps the server from letting the
    /// partition go, [`StoreError::Unavailable`] where readers did not give way. The partition stays then. After
    /// [`StoreError::OutcomeUnknown`] it may be gone, and the file is there. What was moved out before the error is not in
    /// the answer; the table `partitions` says of every partition where it went.
    ///
    /// # Cancellation
    ///
    /// Dropped early, it leaves every partition where it is or in its file. A file that was being written, whose name ends in
    /// `.new`, is removed; it stays when the process is killed, and is of no use.
    pub async fn retire(
        &self,
        directory: impl AsRef<Path>,
        policy: RetentionPolicy,
    ) -> Result<Vec<RetiredPartition>> {
        self.check_open()?;
        let directory = absolute(directory.as_ref())?;
        let mut retired = Vec::new();
        while let Some(oldest) = self.oldest_to_go(policy).await? {
            let file = self.write_out(&oldest, &directory).await?;
            let name = file.to_str().ok_or_else(|| not_text(&file))?;
            self.let_go(&oldest, name).await?;
            retired.push(RetiredPartition {
                file,
                first_position: oldest.first_position,
                last_position: oldest.last_position,
            });
        }
        // Also what an earlier call has left.
        self.delete_tags().await?;
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
        let (schema, first, last) = (&self.store.sql.schema, first_position.get(), last_position.get());
        // Stores of one database may have one directory.
        let mut file =
            PartFile::create(directory, format!("{schema}-{first:012}-{last:012}.parquet")).await?;
        // A replica that is behind does not have all of it.
        self.store.head.note_shown(last_position);
        let mut query = ReadAll::after(GlobalPosition::new(first - 1)).limit(4_096);
        let mut rest = last + 1 - first;
        while rest > 0 {
            query.limit = query.limit.min(usize::try_from(rest).unwrap_or(usize::MAX));
            let page = read::read_all(&self.store, &query).await?;
            let mut expected = (query.after.get() + 1)..;
            if page.events.is_empty()
                || !page.events.iter().all(|it| expected.next() == Some(it.position.get()))
            {
                return Err(self.why_not_all(query.after).await?);
            }
            rest -= page.events.len() as u64;
            query = query.next_page(&page);
            file = file.write(page.events).await?;
        }
        file.finish(last + 1 - first).await
    }

    /// Somebody else may have retired the partition meanwhile.
    async fn why_not_all(&self, after: GlobalPosition) -> Result<StoreError> {
        let rows = read::query(&self.store, &self.store.sql.retired_position, &[]).await?;
        let retired = rows.first().map_or(Ok(0), |row| number(row, 0))?;
        Ok(match retired > after.get() {
            true => StoreError::unavailable("somebody else has retired this partition meanwhile"),
            false => StoreError::Corrupted {
                place: format!("event_log, position {}", after.get() + 1),
                detail: "the log has a gap".to_owned(),
            },
        })
    }

    /// Takes as long as to read the partition: the server's time limit is for statements of every day, and so is ours.
    async fn let_go(&self, partition: &Partition, file: &str) -> Result<()> {
        let first = signed(partition.first_position.get());
        let mut connection = self.store.connections.get().await?;
        let busy = connection.busy();
        let transaction = connection.transaction().await.map_err(of_read)?;
        // Readers and this wait for each other, at the end of it. Whoever reads for hours is not to hold everybody up.
        let limits = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '5s'";
        requests::script(transaction.client(), limits).await.map_err(of_read)?;
        let retire = &self.store.sql.retire_partition;
        requests::rows_once(transaction.client(), retire, &[&first, &file]).await.map_err(of_read)?;
        transaction.commit().await.map_err(of_write)?;
        busy.end();
        Ok(())
    }

    /// Deletes the tags of what has been taken out, which mean nothing any more. Nobody waits for it.
    async fn delete_tags(&self) -> Result<()> {
        let mut connection = self.store.connections.get().await?;
        let busy = connection.busy();
        let transaction = connection.transaction().await.map_err(of_read)?;
        requests::script(transaction.client(), "SET LOCAL statement_timeout = 0").await.map_err(of_read)?;
        let delete = &self.store.sql.delete_retired_tags;
        requests::rows_once(transaction.client(), delete, &[]).await.map_err(of_read)?;
        transaction.commit().await.map_err(of_read)?;
        busy.end();
        Ok(())
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
        let (first, beyond) = (number(row, 0)?, number(row, 1)?);
        if first == 0 || beyond <= first {
            return Err(StoreError::Corrupted {
                place: "the table partitions".to_owned(),
                detail: format!("one goes from position {first} to before {beyond}"),
            });
        }
        Ok(Self {
            first_position: GlobalPosition::new(first),
            last_position: GlobalPosition::new(beyond - 1),
            recorded_at: moment(row, 2)?,
        })
    }
}

/// Who reads later in the table where a file is has another working directory.
fn absolute(directory: &Path) -> Result<PathBuf> {
    directory.canonicalize().map_err(part_file::failed("find", directory))
}

fn not_text(file: &Path) -> StoreError {
    let error = io::Error::new(io::ErrorKind::InvalidInput, "its name cannot be written down as text");
    part_file::failed("note", file)(error)
}
