//! Backends that each break one law in one way: what a real one might get wrong.

mod appending;
mod reading;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventId, EventStoreBackend, GlobalPosition, Page, ReadAll,
    RecordedEvent, Result, Snapshot, StreamId, StreamPage, StreamRange,
};
use eventstore_conformance::{BackendFactory, Persistence, SecondOpener, model::ReferenceBackend};

/// What is wrong with a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None: the reference backend, as it is.
    Honest,
    AppendsStreamByStream,
    YieldsInTheMiddleOfAnAppend,
    RepeatsAVersion,
    LosesAnEventOnConflict,
    AnswersAWrongActualVersion,
    ChecksGuardsOnAStaleView,
    IgnoresGuardsOnUnwrittenStreams,
    ReversesABatch,
    ReadsBackwardOffByOne,
    LetsALateEventIn,
    StoresARetryTwice,
    ChecksTheGuardOfARetry,
    AcceptsOtherContentUnderAnId,
    ForgetsIdsOnReopen,
    LosesTheLastEventOnReopen,
    ForgetsSnapshotsOnReopen,
    ReadsAStaleView,
    SkipsAnEventAtThePageSeam,
    RepeatsAnEventAtThePageSeam,
    MissesAWakeUp,
    StopsBeforeTheEndOfAFilteredRead,
    IgnoresTheBytesOfAPage,
    IgnoresTheBytesOfAPageOfAStream,
    GivesNoEventThatIsLargerThanAPage,
    TakesTheEndOfAPageForThatOfTheStream,
    NeverComesToTheEndOfAStream,
    SkipsAnEventBehindAPageOfAStream,
    KeepsTheSnapshotSavedLast,
    TruncatesLargePayloads,
    TrimsStreamIds,
    PanicsOnBadInput,
    LetsASecondOpenerCorrupt,
    CountsRefusedAppends,
    CountsFromACache,
    IgnoresTheCondition,
    ChecksTheConditionOnAStaleView,
    IgnoresTheConditionsPosition,
    StaysLockedWhenCancelled,
    LeavesASnapshotOutAtThePageSeam,
    RestoresAtTheTimeOfNow,
    RestoresUnderNewIds,
    TakesWhatDoesNotFollow,
    TakesOldTimesForBackwards,
    LosesAnEventOfADroppedRestore,
    RefusesAfterADroppedRestore,
    ChecksConditionsBehindACopyOnly,
    KnowsARestoredIdInOneStreamOnly,
}

/// The reference backend with a fault.
#[derive(Clone)]
pub(crate) struct Broken {
    fault: Fault,
    inner: ReferenceBackend,
    memory: Arc<Memory>,
}

/// What the faults keep.
#[derive(Default)]
struct Memory {
    reopened: AtomicBool,
    locked: AtomicBool,
    refused: AtomicU64,
    /// Under which id callers know an event that is stored under another.
    aliases: Mutex<HashMap<EventId, EventId>>,
    hidden: Mutex<HashSet<GlobalPosition>>,
    visible: Mutex<GlobalPosition>,
    snapshots: Mutex<HashMap<StreamId, Snapshot>>,
    counted: Mutex<BackendStats>,
    /// Where the last event is that was restored.
    restored: Mutex<GlobalPosition>,
    /// In which stream an event was restored last.
    homes: Mutex<HashMap<EventId, StreamId>>,
    /// Of which events restoring was begun.
    begun: Mutex<HashSet<GlobalPosition>>,
}

impl Broken {
    fn new(fault: Fault, inner: ReferenceBackend) -> Self {
        Self { fault, inner, memory: Arc::new(Memory::default()) }
    }
}

#[async_trait]
impl EventStoreBackend for Broken {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        self.append_wrongly(batch).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.read_stream_wrongly(stream, range).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        self.read_all_wrongly(query).await
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        let already = self.inner.stats().await?.head > position;
        let head = self.inner.wait_past(position).await?;
        if self.fault == Fault::MissesAWakeUp && !already {
            return self.inner.wait_past(head).await;
        }
        Ok(head)
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        if self.fault == Fault::KeepsTheSnapshotSavedLast {
            self.memory.snapshots.lock().unwrap().insert(snapshot.stream.clone(), snapshot.clone());
        }
        self.inner.save_snapshot(snapshot).await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        let reopened = self.memory.reopened.load(Ordering::Relaxed);
        match self.fault {
            Fault::KeepsTheSnapshotSavedLast => {
                Ok(self.memory.snapshots.lock().unwrap().get(stream).cloned())
            }
            Fault::ForgetsSnapshotsOnReopen if reopened => Ok(None),
            _ => self.inner.get_latest_snapshot(stream).await,
        }
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        let mut listed = self.inner.list_snapshots(after, limit).await?;
        if self.fault == Fault::LeavesASnapshotOutAtThePageSeam && after.is_some() && !listed.is_empty() {
            listed.remove(0);
        }
        Ok(listed)
    }
    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        self.restore_wrongly(events).await
    }
    async fn stats(&self) -> Result<BackendStats> {
        let mut stats = self.inner.stats().await?;
        match self.fault {
            Fault::CountsRefusedAppends => stats.total_events += self.memory.refused.load(Ordering::Relaxed),
            Fault::CountsFromACache => {
                stats = std::mem::replace(&mut *self.memory.counted.lock().unwrap(), stats);
            }
            _ => {}
        }
        Ok(stats)
    }
}

/// Makes backends with this fault, which find their events again when they are reopened.
#[derive(Clone, Copy)]
pub(crate) struct BrokenFactory(pub(crate) Fault);

pub(crate) struct Place {
    backend: Mutex<Option<Broken>>,
}

#[async_trait]
impl BackendFactory for BrokenFactory {
    type Backend = Broken;
    type Place = Place;

    async fn new_place(&self) -> Place {
        Place { backend: Mutex::new(None) }
    }

    async fn open(&self, place: &Place) -> Broken {
        let before = place.backend.lock().unwrap().take();
        let backend = match before {
            None => Broken::new(self.0, ReferenceBackend::new()),
            Some(before) => {
                before.memory.reopened.store(true, Ordering::Relaxed);
                match self.0 {
                    Fault::LosesTheLastEventOnReopen => {
                        Broken::new(self.0, without_the_last(&before.inner).await)
                    }
                    _ => before,
                }
            }
        };
        *place.backend.lock().unwrap() = Some(backend.clone());
        backend
    }

    fn persistence(&self) -> Persistence {
        Persistence::Durable
    }

    async fn open_second(&self, place: &Place) -> SecondOpener<Broken> {
        let first = place.backend.lock().unwrap().clone().expect("it is opened first");
        SecondOpener::Shared(match self.0 {
            // It believes the place to be its own.
            Fault::LetsASecondOpenerCorrupt => Broken::new(self.0, without_the_last(&first.inner).await),
            _ => first,
        })
    }
}

/// A copy of a store in which the last event is missing.
async fn without_the_last(store: &ReferenceBackend) -> ReferenceBackend {
    let copy = ReferenceBackend::new();
    let mut events = store.get_all_events().await.unwrap();
    events.pop();
    for event in events {
        let again = appending::as_new(&event);
        copy.append(&event.stream, eventstore_api::ExpectedVersion::Any, vec![again]).await.unwrap();
    }
    copy
}
