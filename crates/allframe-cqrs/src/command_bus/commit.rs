use eventstore_api::{
    AppendBatch, EventStoreBackend, ExpectedVersion, InvalidInput, StreamAppend, StreamId, StreamRange,
    Version,
};
use futures_core::future::BoxFuture;

use super::{Decision, Dispatched, DynStore, Storing, key_record::Claim};
use crate::{CommandError, Error, Event, Result, payload, repository::Beside};

/// How what a handler decides is stored: with the record of its idempotency key, if it has one.
pub(super) struct Commit<'a, E> {
    pub(super) store: &'a DynStore<E>,
    pub(super) storing: Storing,
    pub(super) claim: Option<&'a Claim>,
}

impl<E: Event> Commit<'_, E> {
    /// Stores a decision; the target is the stream of the command.
    pub(super) async fn append(
        &self,
        target: Option<Result<StreamId, InvalidInput>>,
        command: &'static str,
        decision: Decision<E>,
    ) -> Result<Dispatched<E>, CommandError> {
        let (events, mut batch) = self.batch_of(target, command, decision)?;
        match self.claim {
            Some(claim) => {
                let record = record_of(&**self.store.backend(), &batch, claim).await?;
                batch.appends.push(record);
            }
            None if self.storing == Storing::ByCaller || batch.appends.is_empty() => {
                return Ok(Dispatched::new(events, Vec::new()));
            }
            None => {}
        }
        let mut appended = self.store.append_settled(batch).await?;
        if let Some(claim) = self.claim {
            appended.retain(|appended| appended.stream != *claim.stream());
        }
        Ok(Dispatched::new(events, appended))
    }

    /// The events of a decision, and what is to be appended for them.
    fn batch_of(
        &self,
        target: Option<Result<StreamId, InvalidInput>>,
        command: &'static str,
        decision: Decision<E>,
    ) -> Result<(Vec<E>, AppendBatch), CommandError> {
        let mut events = Vec::with_capacity(decision.event_count());
        let mut appends = Vec::with_capacity(decision.appends.len() + 1);
        for part in decision.appends.into_iter().filter(|part| !part.events.is_empty()) {
            let stream = part.stream.or_else(|| target.clone()).or_else(|| self.unnamed_stream());
            let stream = stream.ok_or(CommandError::NoStream { command })?.map_err(Error::from)?;
            appends.push(StreamAppend {
                stream,
                expected: part.expected,
                events: payload::to_new_events(&part.events, self.store.codec())?,
            });
            events.extend(part.events);
        }
        let mut batch = AppendBatch::new();
        batch.appends = appends;
        for (stream, expected) in decision.guards {
            batch = batch.guard(stream.map_err(Error::from)?, expected);
        }
        Ok((events, batch))
    }

    /// Where events go that are their caller's to store: the result of a key is kept in a store of the bus alone.
    fn unnamed_stream(&self) -> Option<Result<StreamId, InvalidInput>> {
        match (self.storing, self.claim) {
            (Storing::ByBus, _) => None,
            (Storing::ByCaller, Some(claim)) => Some(StreamId::new(format!("$result-of-{}", claim.stream()))),
            (Storing::ByCaller, None) => Some(StreamId::new("$unstored")),
        }
    }
}

/// What is to stand in the record of what a batch stores: after which version of each stream its events are to be looked for.
fn record_of<'a>(
    backend: &'a dyn EventStoreBackend,
    batch: &'a AppendBatch,
    claim: &'a Claim,
) -> BoxFuture<'a, Result<StreamAppend>> {
    Box::pin(async move {
        let mut after = Vec::with_capacity(batch.appends.len());
        for append in &batch.appends {
            let version = match append.expected {
                ExpectedVersion::Exact(version) => version,
                ExpectedVersion::NoStream => Version::NONE,
                // Others may append meanwhile, which is none of the command's business.
                ExpectedVersion::Any | ExpectedVersion::StreamExists => {
                    version_of(backend, &append.stream).await?
                }
            };
            after.push((&append.stream, version, append.events.as_slice()));
        }
        claim.append(&after)
    })
}

async fn version_of(backend: &dyn EventStoreBackend, stream: &StreamId) -> Result<Version> {
    let last = backend.read_stream(stream, StreamRange::backward().limit(1)).await?;
    Ok(last.events.last().map_or(Version::NONE, |record| record.version))
}
