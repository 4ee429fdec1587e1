use eventstore_api::{
    AppendBatch, EventStoreBackend, ExpectedVersion, InvalidInput, NewEvent, StoreError, StreamAppend,
    StreamId, StreamRange, Version,
};

use super::{Decision, Dispatched, DynStore, Storing, key_record::Claim};
use crate::{CommandError, Error, Event, Result, payload, repository::Beside};

/// How often an append is tried whose streams had no version expected, while others append to them.
const MAX_ATTEMPTS: u32 = 64;

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
        let mut events = Vec::with_capacity(decision.event_count());
        let mut appends = Vec::with_capacity(decision.appends.len() + 1);
        for part in decision.appends.into_iter().filter(|part| !part.events.is_empty()) {
            let stream = part.stream.or_else(|| target.clone()).or_else(|| self.unnamed_stream());
            let stream = stream.ok_or(CommandError::NoStream { command })?.map_err(Error::from)?;
            appends.push(StreamAppend {
                stream,
                expected: part.expected,
                events: self.encode(&part.events)?,
            });
            events.extend(part.events);
        }
        let mut batch = AppendBatch::new();
        batch.appends = appends;
        for (stream, expected) in decision.guards {
            batch = batch.guard(stream.map_err(Error::from)?, expected);
        }
        let Some(claim) = self.claim else {
            if self.storing == Storing::ByCaller {
                return Ok(Dispatched::new(events, Vec::new()));
            }
            if batch.appends.is_empty() && batch.guards.is_empty() {
                return Ok(Dispatched::new(events, Vec::new()));
            }
            return Ok(Dispatched::new(events, self.store.append_settled(batch).await?));
        };
        let mut attempts = 1;
        loop {
            let (known, loose) = self.with_record(batch.clone(), claim).await?;
            match self.store.append_settled(known).await {
                Ok(mut appended) => {
                    appended.retain(|appended| appended.stream != *claim.stream());
                    return Ok(Dispatched::new(events, appended));
                }
                // Nothing was asked of this stream: its version was looked up for the record alone.
                Err(Error::Store(StoreError::WrongExpectedVersion { stream, .. }))
                    if loose.contains(&stream) && attempts < MAX_ATTEMPTS =>
                {
                    attempts += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The batch with the record of what it stores, for which every stream's version has to be known beforehand; and the
    /// streams of which it was not asked for.
    async fn with_record(
        &self,
        mut batch: AppendBatch,
        claim: &Claim,
    ) -> Result<(AppendBatch, Vec<StreamId>)> {
        let (mut versions, mut loose) = (Vec::with_capacity(batch.appends.len()), Vec::new());
        for append in &mut batch.appends {
            let version = match append.expected {
                ExpectedVersion::Exact(version) => version,
                ExpectedVersion::NoStream => Version::NONE,
                ExpectedVersion::Any | ExpectedVersion::StreamExists => {
                    let version = self.version_of(&append.stream).await?;
                    let must_exist = append.expected == ExpectedVersion::StreamExists;
                    // Where it has to exist and does not, the backend is the one to say so.
                    if !(must_exist && version == Version::NONE) {
                        append.expected = ExpectedVersion::Exact(version);
                        loose.push(append.stream.clone());
                    }
                    version
                }
            };
            versions.push(version);
        }
        let known = batch.appends.iter().zip(versions);
        let known: Vec<_> =
            known.map(|(append, version)| (&append.stream, version, append.events.len())).collect();
        let record = claim.append(&known)?;
        batch.appends.push(record);
        Ok((batch, loose))
    }

    /// Where events go that are their caller's to store: the result of a key is kept in a store of the bus alone.
    fn unnamed_stream(&self) -> Option<Result<StreamId, InvalidInput>> {
        match (self.storing, self.claim) {
            (Storing::ByBus, _) => None,
            (Storing::ByCaller, Some(claim)) => Some(StreamId::new(format!("$result-of-{}", claim.stream()))),
            (Storing::ByCaller, None) => Some(StreamId::new("$unstored")),
        }
    }

    async fn version_of(&self, stream: &StreamId) -> Result<Version> {
        let last = self.store.backend().read_stream(stream, StreamRange::backward().limit(1)).await?;
        Ok(last.events.last().map_or(Version::NONE, |record| record.version))
    }

    fn encode(&self, events: &[E]) -> Result<Vec<NewEvent>> {
        events.iter().map(|event| payload::to_new_event(event, self.store.codec())).collect()
    }
}
