use std::{future::Future, sync::Arc};

use async_trait::async_trait;
use eventstore_api::{GlobalPosition, StoreError, Timestamp, message_with_causes};

use super::{
    super::{
        OnFault, ParkedEvent, ProjectionFault,
        fault::{Failure, FaultCause},
        feed::Entry,
        inline::in_effect,
        sink::{Sink, Standing, Taken},
    },
    OutsideBatch, OutsideError, OutsideProjection,
};
use crate::{Error, Event, Recorded, Result};

/// How often it is tried to move a position that others move too.
const TURNS: usize = 8;

/// Gives events to a read model in a database, a batch in a transaction.
///
/// The database alone knows where the read model stands, and more than one process may move it. What is known of that here may be
/// old; it is only ever used to be compared with what is true, in the transaction that depends on it.
pub(super) struct OutsideSink<P> {
    projection: P,
    /// Where the read model stands in its database, as far as is known.
    stored: GlobalPosition,
    /// Whether that has to be asked again, since something happened that may have moved it.
    is_in_doubt: bool,
    /// Up to here there is no other event for it; that is told to the database with the next one, or now and then.
    seen: GlobalPosition,
    /// What the runner was told last: the entries that it brings begin there.
    told: GlobalPosition,
    parked: usize,
    /// The event that failed last, which comes alone until it is past.
    suspect: Option<GlobalPosition>,
}

/// Why something was not written.
enum Unwritten {
    Moved,
    Refused(FaultCause),
    Outage(FaultCause),
}

impl<P: OutsideProjection> OutsideSink<P> {
    /// Asks the read model where it stands.
    pub(super) async fn open(projection: P) -> Result<(Self, Standing), FaultCause> {
        let start = GlobalPosition::START;
        let (is_in_doubt, parked, suspect) = (true, 0, None);
        let (stored, seen, told) = (start, start, start);
        let mut sink = Self { projection, stored, is_in_doubt, seen, told, parked, suspect };
        sink.look().await.map_err(|failure| failure.cause)?;
        let standing = sink.standing_now();
        Ok((sink, standing))
    }

    fn standing_now(&mut self) -> Standing {
        self.told = self.seen;
        let stored = Some(self.stored);
        Standing { position: self.seen, parked: self.parked, is_outdated: false, stored }
    }

    /// Asks where the read model stands, if that is in doubt.
    async fn look(&mut self) -> Result<(), Failure> {
        if !self.is_in_doubt {
            return Ok(());
        }
        let position = guarded(self.projection.position()).await.map_err(|why| self.not_known(why))?;
        self.parked = guarded(self.projection.count_parked()).await.map_err(|why| self.not_known(why))?;
        if position != self.stored {
            // Somebody else moved it, and what was seen was seen from where it stood before.
            (self.stored, self.seen) = (position, position);
        }
        self.is_in_doubt = false;
        Ok(())
    }

    /// No event is to blame for it, whatever it is.
    fn not_known(&self, why: Unwritten) -> Failure {
        match self.unwritten_at(self.seen, why) {
            Failure { cause: cause @ FaultCause::ReadModel(_), position, stream } => {
                Failure { position, stream, cause }
            }
            Failure { cause, position, stream } => {
                Failure { position, stream, cause: FaultCause::ReadModel(Arc::new(cause)) }
            }
        }
    }

    fn unwritten_at(&self, position: GlobalPosition, why: Unwritten) -> Failure {
        let cause = match why {
            Unwritten::Refused(cause) | Unwritten::Outage(cause) => cause,
            Unwritten::Moved => FaultCause::ReadModel(Arc::new(OutsideError::Moved)),
        };
        Failure { position, stream: None, cause }
    }

    async fn take_entries(
        &mut self,
        entries: &[Entry<P::Event>],
        through: GlobalPosition,
        events: &mut u64,
    ) -> Result<(), Failure> {
        self.look().await?;
        if self.seen < self.told {
            // As after the database was restored from a backup: what lies between must be read again first.
            return Ok(());
        }
        let new = entries.get(entries.partition_point(|entry| entry.position <= self.seen)..);
        let new = new.unwrap_or_default();
        let end = new.iter().position(|entry| entry.readable().is_err()).unwrap_or(new.len());
        let (readable, rest) = new.split_at(end);
        let (unreadable, events_read) =
            (rest.first(), readable.iter().filter_map(|entry| entry.readable().ok()));
        let through =
            if unreadable.is_some() { readable.last().map(|it| it.position) } else { Some(through) };
        let readable: Vec<_> = events_read.flatten().collect();
        if let Some(through) = through
            && !self.take_events(&readable, through, events).await?
        {
            return Ok(());
        }
        match unreadable.map(|entry| (entry.position, entry.readable())) {
            Some((position, Err(error))) => {
                Err(Failure { position, stream: None, cause: FaultCause::Unreadable(error) })
            }
            _ => Ok(()),
        }
    }

    /// Whether all of them are taken in; if not, others have moved the read model meanwhile.
    async fn take_events(
        &mut self,
        events: &[&Recorded<P::Event>],
        through: GlobalPosition,
        count: &mut u64,
    ) -> Result<bool, Failure> {
        let is_suspect = events.first().is_some_and(|first| self.suspect == Some(first.position()));
        if !is_suspect && !events.is_empty() {
            match self.write(events, through).await {
                Ok(()) => {
                    *count += events.len() as u64;
                    return Ok(true);
                }
                Err(Unwritten::Moved) => return self.look_again().await.map(|()| false),
                Err(why @ Unwritten::Outage(_)) => return Err(self.unwritten_at(self.seen, why)),
                // One of them, and which one has to be found out.
                Err(Unwritten::Refused(_)) => {}
            }
        }
        // Those of one record come together.
        for events in events.chunk_by(|one, next| one.position() == next.position()) {
            let Some(event) = events.first() else { continue };
            match self.write(events, event.position()).await {
                Ok(()) => *count += events.len() as u64,
                Err(Unwritten::Moved) => return self.look_again().await.map(|()| false),
                Err(why @ Unwritten::Outage(_)) => return Err(self.unwritten_at(self.seen, why)),
                Err(Unwritten::Refused(cause)) => {
                    let (position, stream) = (event.position(), Some(event.stream().clone()));
                    self.suspect = Some(position);
                    return Err(Failure { position, stream, cause });
                }
            }
            if is_suspect {
                // It is past: those behind it come together again.
                self.suspect = None;
                return Ok(false);
            }
        }
        self.seen = self.seen.max(through);
        Ok(true)
    }

    async fn write(
        &mut self,
        events: &[&Recorded<P::Event>],
        through: GlobalPosition,
    ) -> Result<(), Unwritten> {
        let batch = OutsideBatch { after: self.stored, events, through };
        let outcome = guarded(self.projection.apply(batch)).await;
        self.wrote(outcome, through)
    }

    fn wrote(&mut self, outcome: Result<(), Unwritten>, through: GlobalPosition) -> Result<(), Unwritten> {
        match &outcome {
            Ok(()) => (self.stored, self.seen) = (through, self.seen.max(through)),
            Err(Unwritten::Refused(_)) => {}
            Err(Unwritten::Moved | Unwritten::Outage(_)) => self.is_in_doubt = true,
        }
        outcome
    }

    /// Asks where the read model stands that has moved. One that says so and stands still would be asked for ever.
    async fn look_again(&mut self) -> Result<(), Failure> {
        let before = self.stored;
        self.look().await?;
        if self.stored == before {
            return Err(self.unwritten_at(self.seen, Unwritten::Moved));
        }
        Ok(())
    }
}

#[async_trait]
impl<E: Event, P: OutsideProjection<Event = E>> Sink<E> for OutsideSink<P> {
    async fn standing(&mut self) -> Result<Standing, Failure> {
        Ok(self.standing_now())
    }

    async fn take(&mut self, entries: &[Entry<E>], through: GlobalPosition) -> Taken {
        let mut events = 0;
        let failure = self.take_entries(entries, through, &mut events).await.err();
        Taken { events, failure }
    }

    async fn pass_over(&mut self, fault: &ProjectionFault, how: OnFault) -> Result<(), Failure> {
        for _ in 0..TURNS {
            self.look().await?;
            // Another process has, or it moved back and the event will come again.
            if self.stored >= fault.position || self.seen < self.told {
                return Ok(());
            }
            let outcome = if how == OnFault::Park {
                let reason = message_with_causes(&fault.cause);
                let event = ParkedEvent::new(fault.position, reason, Timestamp::now());
                guarded(self.projection.park(self.stored, &event)).await
            } else {
                let batch = OutsideBatch { after: self.stored, events: &[], through: fault.position };
                guarded(self.projection.apply(batch)).await
            };
            match self.wrote(outcome, fault.position) {
                Ok(()) => {
                    self.parked += usize::from(how == OnFault::Park);
                    self.suspect = None;
                    return Ok(());
                }
                Err(Unwritten::Moved) => {}
                Err(why @ Unwritten::Outage(_)) => return Err(self.unwritten_at(self.seen, why)),
                Err(why @ Unwritten::Refused(_)) => return Err(self.unwritten_at(fault.position, why)),
            }
        }
        Err(self.unwritten_at(self.seen, Unwritten::Moved))
    }

    async fn save(&mut self) -> Result<Option<GlobalPosition>> {
        if self.seen > self.stored && !self.is_in_doubt {
            match self.write(&[], self.seen).await {
                // Whoever moved it knows better.
                Ok(()) | Err(Unwritten::Moved) => {}
                Err(Unwritten::Refused(cause) | Unwritten::Outage(cause)) => {
                    return Err(Error::Store(StoreError::unavailable(cause)));
                }
            }
        }
        Ok(Some(self.stored))
    }
}

/// What comes of something asked of a read model. A panic in it is a refusal.
async fn guarded<T>(asked: impl Future<Output = Result<T, OutsideError>>) -> Result<T, Unwritten> {
    match in_effect(asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(OutsideError::Moved)) => Err(Unwritten::Moved),
        Ok(Err(OutsideError::Refused(why))) => Err(Unwritten::Refused(FaultCause::Refused(why.into()))),
        Ok(Err(OutsideError::Unavailable(why))) => Err(Unwritten::Outage(FaultCause::ReadModel(why.into()))),
        Err(panicked) => Err(Unwritten::Refused(FaultCause::Panicked(panicked))),
    }
}
