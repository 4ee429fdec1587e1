//! Every call, passed on. The provided ones too, so that what a backend does better than the provided way is not lost, and so
//! that each is told of once.

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventStoreBackend, ExpectedVersion, GlobalPosition, NewEvent, Page,
    ReadAll, RecordedEvent, Result, Snapshot, StreamId, StreamPage, StreamRange, Version,
};

use super::{
    ObservedBackend,
    call::{Call, Size},
};

#[async_trait]
impl<B: EventStoreBackend> EventStoreBackend for ObservedBackend<B> {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let events = batch.appends.iter().flat_map(|append| &append.events);
        let size = Size::of(events.map(|event| event.payload.len()));
        // One name says enough of a batch over several.
        let stream = batch.appends.first().map(|append| append.stream.clone());
        let stream = stream.as_ref().map(StreamId::as_str);
        let appended = Call::of("append", stream, self.inner.append_all(batch), |_| Some(size)).await?;
        self.head.appended(&appended);
        Ok(appended)
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        let read = self.inner.read_stream(stream, range);
        let size = |page: &StreamPage| Some(Size::of_events(&page.events));
        Call::of("read_stream", Some(stream.as_str()), read, size).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        let read = self.inner.read_all(query);
        let page = Call::of("read_all", None, read, |page| Some(Size::of_events(&page.events))).await?;
        self.head.read(&page);
        Ok(page)
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        let head = self.inner.wait_past(position).await?;
        self.head.seen(head);
        Ok(head)
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        let stream = snapshot.stream.clone();
        Call::of("save_snapshot", Some(stream.as_str()), self.inner.save_snapshot(snapshot), |()| None).await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        let read = self.inner.get_latest_snapshot(stream);
        Call::of("get_latest_snapshot", Some(stream.as_str()), read, |_| None).await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        Call::of("list_snapshots", None, self.inner.list_snapshots(after, limit), |_| None).await
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        let (size, last) = (Size::of_events(&events), events.last().map(|last| last.position));
        Call::of("restore", None, self.inner.restore(events), |()| Some(size)).await?;
        if let Some(last) = last {
            self.head.seen(last);
        }
        Ok(())
    }

    async fn stats(&self) -> Result<BackendStats> {
        let stats = Call::of("stats", None, self.inner.stats(), |_| None).await?;
        self.head.seen(stats.head);
        Ok(stats)
    }

    async fn append(
        &self,
        stream: &StreamId,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> Result<Appended> {
        let size = Size::of(events.iter().map(|event| event.payload.len()));
        let append = self.inner.append(stream, expected, events);
        let appended = Call::of("append", Some(stream.as_str()), append, |_| Some(size)).await?;
        self.head.seen(appended.last_position);
        Ok(appended)
    }

    async fn get_events(&self, stream: &StreamId) -> Result<Vec<RecordedEvent>> {
        let read = self.inner.get_events(stream);
        Call::of("read_stream", Some(stream.as_str()), read, |events| Some(Size::of_events(events))).await
    }

    async fn get_events_after(&self, stream: &StreamId, version: Version) -> Result<Vec<RecordedEvent>> {
        let read = self.inner.get_events_after(stream, version);
        Call::of("read_stream", Some(stream.as_str()), read, |events| Some(Size::of_events(events))).await
    }

    async fn get_all_events(&self) -> Result<Vec<RecordedEvent>> {
        let read = self.inner.get_all_events();
        let events = Call::of("read_all", None, read, |events| Some(Size::of_events(events))).await?;
        if let Some(last) = events.last() {
            self.head.seen(last.position);
        }
        Ok(events)
    }

    async fn head(&self) -> Result<GlobalPosition> {
        let head = Call::of("head", None, self.inner.head(), |_| None).await?;
        self.head.seen(head);
        Ok(head)
    }

    async fn flush(&self) -> Result<()> {
        Call::of("flush", None, self.inner.flush(), |()| None).await
    }

    async fn close(&self) -> Result<()> {
        Call::of("close", None, self.inner.close(), |()| None).await
    }
}
