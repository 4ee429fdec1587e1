use std::time::Duration;

use eventstore_api::{
    AppendBatch, AppendCondition, Appended, EventFilter, EventStoreBackend, ExpectedVersion, GlobalPosition,
    RecordedEvent, StoreError, StreamId, StreamRange, Version,
};
use tokio::time;

use super::{
    CopyError,
    batch::CopyBatch,
    limits::Limits,
    mark::{Mark, Verified},
};
use crate::Backoff;

/// Whether others may write into the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    Alone,
    Shared,
}

/// Who makes a copy, under which name, and of which version the transform is.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) version: u32,
    pub(super) sharing: Sharing,
}

/// The stream in which a copy says how far it is, and through which it writes.
pub(super) struct Control<'a, T> {
    target: &'a T,
    identity: &'a Identity,
    pub(super) stream: StreamId,
    /// The last mark.
    pub(super) mark: Mark,
    /// The record of the last mark.
    pub(super) record: RecordedEvent,
}

const ATTEMPTS: u32 = 8;
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(2));

impl<'a, T: EventStoreBackend> Control<'a, T> {
    /// The stream of a copy that was begun; `None` where it was not.
    pub(super) async fn find(target: &'a T, identity: &'a Identity) -> Result<Option<Self>, CopyError> {
        let stream = identity.stream()?;
        let found = last_of(target, &stream).await.map_err(CopyError::Target)?;
        let Some(record) = found else { return Ok(None) };
        let mark = Mark::of(&record)?;
        if mark.transform != identity.version {
            let (name, begun, given) = (identity.name.clone(), mark.transform, identity.version);
            return Err(CopyError::OtherTransform { name, begun, given });
        }
        Ok(Some(Self { target, identity, stream, mark, record }))
    }

    /// The stream of a copy, which begins where it was not yet.
    pub(super) async fn find_or_begin(
        target: &'a T,
        identity: &'a Identity,
        limits: Limits,
    ) -> Result<Self, CopyError> {
        if let Some(control) = Self::find(target, identity).await? {
            control.must_be_alone().await?;
            return Ok(control);
        }
        let stream = identity.stream()?;
        let head = target.head().await.map_err(CopyError::Target)?;
        if identity.sharing == Sharing::Alone && head != GlobalPosition::START {
            must_stand_at(target, identity, &stream, Version::NONE).await?;
            return Err(CopyError::TargetNotEmpty { at: head });
        }
        let mark = Mark::first(identity.version, &CopyBatch::new(limits), limits.order);
        let batch = AppendBatch::new();
        append(target, identity, &stream, (Version::NONE, head), batch, &mark).await?;
        // It is read back, so that what others see of it is what is gone on with.
        Self::find(target, identity).await?.ok_or_else(|| CopyError::NotBegun { name: identity.name.clone() })
    }

    /// Up to where the source is copied.
    pub(super) fn position(&self) -> GlobalPosition {
        self.mark.position()
    }

    /// Refuses to go on in a source of which this is no copy.
    pub(super) async fn must_be_of<S: EventStoreBackend>(&self, source: &S) -> Result<(), CopyError> {
        let own = last_of(source, &self.stream).await.map_err(CopyError::Source)?;
        if own.is_some_and(|own| own.id == self.record.id) {
            return Err(CopyError::SameStore);
        }
        let Some(last) = &self.mark.source else { return Ok(()) };
        let other = || CopyError::OtherSource {
            name: self.identity.name.clone(),
            expected: format!(
                "event {} of stream `{}` (position {})",
                last.version, last.stream, last.position
            ),
        };
        let (stream, version) = last.place().ok_or_else(other)?;
        let range = StreamRange::before(version.next()).limit(1);
        let page = source.read_stream(&stream, range).await.map_err(CopyError::Source)?;
        match page.events.first() {
            Some(record) if last.is(record) => Ok(()),
            _ => Err(other()),
        }
    }

    /// Appends a batch, and how far the copy is with it.
    pub(super) async fn write(&mut self, batch: CopyBatch, limits: Limits) -> Result<(), CopyError> {
        let mark = self.mark.after(&batch, limits.order);
        let last = batch.last.clone();
        let mut appends = AppendBatch::new();
        appends.appends = batch.into_appends();
        self.append(appends, mark).await.map_err(|error| match (error, last) {
            (CopyError::Target(StoreError::InvalidInput(source)), Some(place)) => {
                CopyError::Refused { place: Box::new(place), source }
            }
            (error, _) => error,
        })
    }

    /// Says that everything up to the last mark was found to be right.
    pub(super) async fn write_verified(&mut self, limits: Limits) -> Result<(), CopyError> {
        let nothing = CopyBatch::new(limits);
        let mut mark = self.mark.after(&nothing, limits.order);
        mark.verified = Some(Verified::new(self.position(), self.record.position));
        self.append(AppendBatch::new(), mark).await
    }

    async fn append(&mut self, batch: AppendBatch, mark: Mark) -> Result<(), CopyError> {
        let at = (self.record.version, self.record.position);
        let appended = append(self.target, self.identity, &self.stream, at, batch, &mark).await?;
        (self.record.version, self.record.position) = (appended.last_version, appended.last_position);
        self.mark = mark;
        Ok(())
    }

    async fn must_be_alone(&self) -> Result<(), CopyError> {
        let head = self.target.head().await.map_err(CopyError::Target)?;
        if self.identity.sharing == Sharing::Shared || head == self.record.position {
            return Ok(());
        }
        must_stand_at(self.target, self.identity, &self.stream, self.record.version).await?;
        Err(CopyError::TargetNotEmpty { at: head })
    }
}

impl Identity {
    fn stream(&self) -> Result<StreamId, CopyError> {
        let named = |name: String| StreamId::new(format!("$copy-{name}"));
        let name = Some(self.name.clone()).filter(|name| !name.is_empty());
        // An empty name is refused as what it is: the stream would have one.
        let checked = name.map_or_else(|| StreamId::new(""), named);
        checked.map_err(|source| CopyError::Name { name: self.name.clone(), source })
    }
}

/// Appends a batch with this mark behind it, if the last mark is the one at this version and position.
async fn append<T: EventStoreBackend>(
    target: &T,
    identity: &Identity,
    stream: &StreamId,
    (version, position): (Version, GlobalPosition),
    batch: AppendBatch,
    mark: &Mark,
) -> Result<Appended, CopyError> {
    let unreadable = |source: serde_json::Error| CopyError::UnreadableMark {
        stream: stream.clone(),
        version: version.next(),
        source: source.into(),
    };
    let mark = mark.to_event(unreadable)?;
    // Last, so that its position is that of the end of the append.
    let mut batch = batch.append(stream.clone(), ExpectedVersion::Exact(version), vec![mark]);
    if identity.sharing == Sharing::Alone {
        batch = batch.condition(AppendCondition::none_after(EventFilter::all(), position));
    }
    match append_settled(target, batch).await {
        Ok(outcomes) => outcomes.into_iter().next_back().ok_or_else(|| {
            CopyError::Target(StoreError::outcome_unknown("the backend answered an append with no outcome"))
        }),
        Err(StoreError::WrongExpectedVersion { stream: wrong, .. }) if wrong == *stream => {
            Err(CopyError::Concurrent { name: identity.name.clone() })
        }
        Err(StoreError::ConditionFailed { at }) => Err(CopyError::TargetNotEmpty { at }),
        // Events of somebody who makes the same copy are known already, which is looked at before any guard.
        Err(refused @ StoreError::InvalidInput(_)) => {
            must_stand_at(target, identity, stream, version).await?;
            Err(CopyError::Target(refused))
        }
        Err(error) => Err(CopyError::Target(error)),
    }
}

/// Finds out whether somebody else has written marks behind the last one that is known.
async fn must_stand_at<T: EventStoreBackend>(
    target: &T,
    identity: &Identity,
    stream: &StreamId,
    version: Version,
) -> Result<(), CopyError> {
    let last = last_of(target, stream).await.map_err(CopyError::Target)?;
    match last.map_or(Version::NONE, |last| last.version) == version {
        true => Ok(()),
        false => Err(CopyError::Concurrent { name: identity.name.clone() }),
    }
}

/// Appends, and again where that is not known or not possible for now: with the same ids, which stores nothing twice.
async fn append_settled<T: EventStoreBackend>(
    target: &T,
    batch: AppendBatch,
) -> Result<Vec<Appended>, StoreError> {
    for failures in 1..ATTEMPTS {
        match target.append_all(batch.clone()).await {
            Err(error) if error.is_retryable() => time::sleep(BACKOFF.wait_after(failures)).await,
            answer => return answer,
        }
    }
    target.append_all(batch).await
}

async fn last_of<B: EventStoreBackend>(
    store: &B,
    stream: &StreamId,
) -> Result<Option<RecordedEvent>, StoreError> {
    let page = store.read_stream(stream, StreamRange::backward().limit(1)).await?;
    Ok(page.events.into_iter().next())
}
