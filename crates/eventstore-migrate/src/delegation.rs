//! Every call, delegated to the store that is used. The provided ones too: what a store does better than the provided way is not lost.

use std::sync::Arc;

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventStoreBackend, ExpectedVersion, GlobalPosition, NewEvent, Page,
    ReadAll, RecordedEvent, Result, Snapshot, StoreError, StreamId, StreamPage, StreamRange, Version,
};
use futures_util::future::{Either, FutureExt as _, select};

use crate::SwitchingBackend;

#[async_trait]
impl EventStoreBackend for SwitchingBackend {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        self.write(|store| async move { store.append_all(batch).await }).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.read(async |store| store.read_stream(stream, range).await).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        self.read(async |store| store.read_all(query).await).await
    }

    /// Goes on waiting in the new store when a switch comes in between.
    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        let mut current = self.watch();
        loop {
            let store = Arc::clone(&current.borrow_and_update());
            let past = store.wait_past(position);
            let switched = std::pin::pin!(current.changed());
            match select(past, switched).await {
                Either::Left((Err(StoreError::Closed), switched)) => {
                    // The store that is left is closed as soon as it is left.
                    let is_left = switched.now_or_never().is_some();
                    if !is_left {
                        return Err(StoreError::Closed);
                    }
                }
                Either::Left((answer, _)) => return answer,
                Either::Right(_) => {}
            }
        }
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        snapshot.validate()?;
        let this = self.clone();
        self.write(|store| async move {
            let stream = snapshot.stream.clone();
            let answer = store.save_snapshot(snapshot).await;
            // Behind it, so that whoever copies what was noted finds it; and whatever came of it, since a lost answer may be a save.
            this.note_saved(stream);
            answer
        })
        .await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        self.read(async |store| store.get_latest_snapshot(stream).await).await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        self.read(async |store| store.list_snapshots(after, limit).await).await
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        self.write(|store| async move { store.restore(events).await }).await
    }

    async fn stats(&self) -> Result<BackendStats> {
        self.read(async |store| store.stats().await).await
    }

    async fn head(&self) -> Result<GlobalPosition> {
        self.read(async |store| store.head().await).await
    }

    async fn append(
        &self,
        stream: &StreamId,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> Result<Appended> {
        let stream = stream.clone();
        self.write(|store| async move { store.append(&stream, expected, events).await }).await
    }

    async fn get_events(&self, stream: &StreamId) -> Result<Vec<RecordedEvent>> {
        self.read(async |store| store.get_events(stream).await).await
    }

    async fn get_events_after(&self, stream: &StreamId, version: Version) -> Result<Vec<RecordedEvent>> {
        self.read(async |store| store.get_events_after(stream, version).await).await
    }

    async fn get_all_events(&self) -> Result<Vec<RecordedEvent>> {
        self.read(async |store| store.get_all_events().await).await
    }

    async fn flush(&self) -> Result<()> {
        self.read(async |store| store.flush().await).await
    }

    /// Waits for a switch that is in its last moment; none comes behind it.
    async fn close(&self) -> Result<()> {
        self.close_for_good().await
    }
}
