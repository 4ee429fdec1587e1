//! What callers know of other processes, and other processes of them.

use eventstore_api::{GlobalPosition, Result};

use crate::{PageReads, PostgresBackend, read};

impl PostgresBackend {
    /// Somebody has seen this position in another process, and has come here: whatever is read from now on shows it.
    ///
    /// It matters where [replicas](crate::ReplicaConfig) serve reads, which may be behind; without them every read shows all
    /// that was acknowledged anywhere. Take positions from appends, events and checkpoints of the same store:
    /// one beyond its end is forgotten with the next read.
    ///
    /// ```no_run
    /// use eventstore_api::{EventStoreBackend, GlobalPosition, StreamId};
    /// use eventstore_postgres::PostgresBackend;
    ///
    /// /// `seen` comes with the request: the position that the answer to the last one named.
    /// async fn show(store: &PostgresBackend, order: &StreamId, seen: GlobalPosition) -> eventstore_api::Result<()> {
    ///     store.mark_seen(seen);
    ///     let events = store.get_events(order).await?;
    ///     # drop(events);
    ///     Ok(())
    /// }
    /// ```
    pub fn mark_seen(&self, position: GlobalPosition) {
        self.store.head.note_shown(position);
    }

    /// Events were committed past this store, as by SQL: those who wait, here and in other processes, are told of them, and
    /// the position of the last one is returned.
    ///
    /// Nothing is lost without it: who waits asks now and then. Other processes have to do so where this store goes over a
    /// [pool that was given](Self::from_pool), and has no connection to tell them by. Dropped early, it may have told nobody.
    ///
    /// # Errors
    ///
    /// Why the server cannot be asked.
    pub async fn announce(&self) -> Result<GlobalPosition> {
        self.check_open()?;
        let head = read::look(&self.store).await?;
        self.store.head.note_appended(head);
        Ok(head)
    }

    /// Where pages of events came from.
    #[must_use]
    pub fn page_reads(&self) -> PageReads {
        self.store.reads.so_far()
    }
}
