//! Readers that look for holes, repetitions and what comes late.

use std::{collections::HashMap, hash::Hasher};

use allframe_cqrs::{
    EventFilter, EventStoreBackend, GlobalPosition, ReadAll, StreamId,
    api::{RecordedEvent, Version},
};
use anyhow::ensure;

use super::every;
use crate::{
    arguments::Live,
    bank::account,
    said::{Said, say},
    store::Store,
};

/// What was seen of the log from its beginning: two who have seen the same have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) position: u64,
    pub(crate) events: u64,
    pub(crate) hash: u64,
}

impl Trace {
    pub(super) fn parse(text: Option<&str>) -> anyhow::Result<Self> {
        let Some(text) = text else { return Ok(Self::default()) };
        let numbers = text.split('-').map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        let [position, events, hash] = *numbers else { anyhow::bail!("{text} is no trace") };
        Ok(Self { position, events, hash })
    }

    pub(crate) fn see(&mut self, event: &RecordedEvent) -> anyhow::Result<()> {
        let position = event.position.get();
        ensure!(position > self.position, "{position} comes behind {}", self.position);
        let mut hasher = fnv::FnvHasher::with_key(self.hash);
        hasher.write(event.id.as_bytes());
        hasher.write_u64(position);
        hasher.write_u64(event.version.get());
        *self = Self { position, events: self.events + 1, hash: hasher.finish() };
        Ok(())
    }
}

/// Everything, from where the life before had come: what came late would be missed here, and found in the end.
pub(super) async fn follow(store: Store, mut trace: Trace) -> anyhow::Result<()> {
    let mut versions = Versions::default();
    loop {
        let page = store.backend().read_all(&ReadAll::after(GlobalPosition::new(trace.position))).await?;
        for event in &page.events {
            trace.see(event)?;
            versions.see(event)?;
        }
        if page.events.is_empty() {
            store.backend().wait_past(GlobalPosition::new(trace.position)).await?;
        } else {
            say(&Said::Seen(trace.position, trace.events, trace.hash))?;
        }
    }
}

/// The accounts, by a subscription from the beginning on.
pub(super) async fn subscribe(store: Store) -> anyhow::Result<()> {
    let mut catch_up = store.catch_up(GlobalPosition::START, EventFilter::stream_prefix("account-"));
    let mut versions = Versions::from_the_beginning();
    let mut last = GlobalPosition::START;
    loop {
        let event = catch_up.next().await?;
        ensure!(event.position() > last, "{} was delivered behind {last}", event.position());
        last = event.position();
        versions.see(&event.record)?;
    }
}

/// One account after the other, each whole, and never shorter than before.
pub(super) async fn read_streams(store: Store, life: Live) -> anyhow::Result<()> {
    let mut chance = fastrand::Rng::with_seed(life.seed.rotate_left(9) ^ u64::from(life.life));
    let mut lengths: HashMap<String, usize> = HashMap::new();
    let mut pace = every(50);
    loop {
        pace.tick().await;
        let name = account(chance.u64(..));
        let events = store.backend().get_events(&StreamId::new(name.clone())?).await?;
        let mut versions = Versions::from_the_beginning();
        events.iter().try_for_each(|event| versions.see(event))?;
        let before = lengths.insert(name.clone(), events.len()).unwrap_or_default();
        ensure!(events.len() >= before, "{name} had {before} events and has {}", events.len());
    }
}

/// The versions of each stream, one by one.
#[derive(Default)]
struct Versions {
    last: HashMap<StreamId, Version>,
    from_the_beginning: bool,
}

impl Versions {
    fn from_the_beginning() -> Self {
        Self { from_the_beginning: true, ..Self::default() }
    }

    fn see(&mut self, event: &RecordedEvent) -> anyhow::Result<()> {
        let expected = match self.last.insert(event.stream.clone(), event.version) {
            Some(last) => last.next(),
            None if self.from_the_beginning => Version::NONE.next(),
            None => event.version,
        };
        ensure!(
            event.version == expected,
            "{} has {} where {expected} should be",
            event.stream,
            event.version
        );
        Ok(())
    }
}

impl std::fmt::Display for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{}", self.position, self.events, self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_from_one_life_to_the_next() {
        let trace = Trace { position: 1, events: 2, hash: u64::MAX };
        assert_eq!(Trace::parse(Some(&trace.to_string())).unwrap(), trace);
        assert_eq!(Trace::parse(None).unwrap(), Trace::default());
        assert!(Trace::parse(Some("1-2")).is_err());
    }
}
