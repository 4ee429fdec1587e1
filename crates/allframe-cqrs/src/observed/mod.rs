mod backend;
mod call;

/// A backend that tells of what it is asked for: a span of `tracing` for each call, and with the feature `metrics` how many
/// there were, what became of them and how long they took.
///
/// It goes around any backend, and changes nothing of what that does. The spans of what a command reads and appends are within
/// the span of the command.
///
/// ```
/// use allframe_cqrs::{EventStore, InMemoryBackend, ObservedBackend, event};
///
/// #[event]
/// #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Opened { owner: String }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::with_backend(ObservedBackend::new(InMemoryBackend::new()));
/// store.append("account-7", vec![Opened { owner: "ann".into() }]).await?;
/// assert_eq!(store.get_events("account-7").await?, [Opened { owner: "ann".into() }]);
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
///
/// # What is told
///
/// The names stand in `docs/observability.md`. An `operation` is one of `append`, `read_stream`, `read_all`, `head`,
/// `save_snapshot`, `get_latest_snapshot`, `list_snapshots`, `restore`, `stats`, `flush` and `close`; its `outcome` is one word:
///
/// | outcome | is |
/// |---|---|
/// | `ok` | it was done |
/// | `conflict` | a guard or a condition of an append did not hold |
/// | `invalid` | what was asked for can never be done |
/// | `unavailable` | the store does not answer for now |
/// | `outcome_unknown` | whether an append happened has not been told |
/// | `closed` | the store was closed, or has given up after a failure |
/// | `read_only` | it was opened for reading |
/// | `corrupted` | what is stored is not what was once written |
/// | `failed` | anything else that failed |
/// | `dropped` | its caller went away before it was answered |
///
/// The time of an operation has all in it that the caller waits for: turns in queues, connections of a pool, other writers, the
/// disk. [`wait_past`](crate::EventStoreBackend::wait_past), which waits as long as nothing happens, is no operation. What it
/// answers moves the gauge of the head, as each read and append does.
#[derive(Debug)]
pub struct ObservedBackend<B> {
    inner: B,
    head: call::Head,
}

impl<B> ObservedBackend<B> {
    /// A backend that tells of what this one is asked for through it.
    pub fn new(inner: B) -> Self {
        Self { inner, head: call::Head::default() }
    }

    /// The backend inside, of whose calls nothing is told.
    pub fn inner(&self) -> &B {
        &self.inner
    }
}
