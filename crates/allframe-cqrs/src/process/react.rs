use std::collections::HashMap;

use eventstore_api::Version;
use serde_json::Value;

use super::{
    ProcessError, Reaction,
    engine::{Cause, Engine, Runtime},
    event::{Place, Reacted, Trigger},
    handler::{Handler, NotHandled},
    key::Instance,
    log::{Found, Stored},
    telemetry,
};
use crate::panicked::guarded;

/// How often something is decided anew because others wrote to the instance meanwhile.
const MAX_ATTEMPTS: u32 = 32;

/// Whether an instance has reacted to something, as far as its last reaction tells.
enum Standing {
    /// It has not.
    New,
    /// It may have, behind this version; if it has not, it reacts now.
    Perhaps(Version),
    /// It has, or it will not.
    Over,
}

impl Engine {
    /// Has an instance react to something, and stores that; or finds that it has done so before. Nothing where it does not react to
    /// it. What was decided is still to be carried out.
    ///
    /// Dropping the future early leaves the reaction wholly stored or not at all.
    pub(super) async fn react<T>(
        &self,
        runtime: &Runtime,
        instance: &Instance,
        cause: &Cause,
        to: &Trigger,
        (handler, what): (&Handler<T>, &T),
    ) -> Result<Option<Found>, ProcessError>
    where
        T: Sync,
    {
        let answer = self.react_once(runtime, instance, cause, to, (handler, what)).await;
        telemetry::reacted(&self.name, to, &answer);
        answer
    }

    async fn react_once<T>(
        &self,
        runtime: &Runtime,
        instance: &Instance,
        cause: &Cause,
        to: &Trigger,
        (handler, what): (&Handler<T>, &T),
    ) -> Result<Option<Found>, ProcessError>
    where
        T: Sync,
    {
        let stream = &instance.stream;
        for _ in 0..MAX_ATTEMPTS {
            let last = runtime.log.last(stream).await?;
            let standing = standing(to, last.as_ref());
            let behind = if let Standing::Perhaps(behind) = standing { behind } else { Version::NONE };
            if !matches!(standing, Standing::New)
                && let Some(found) = runtime.log.find(stream, to, behind).await?
            {
                return Ok(Some(found));
            }
            if matches!(standing, Standing::Over) || last.as_ref().is_some_and(|last| last.reacted.ended) {
                return Ok(None);
            }
            let reacted = self.decide(runtime, instance, cause, to, last.as_ref(), |state, then| {
                handler(state, what, then)
            })?;
            let after = last.map_or(Version::NONE, |last| last.version);
            if let Some(version) = runtime.log.append(stream, after, &reacted, cause.metadata()).await? {
                return Ok(Some(Found {
                    stored: Stored { version, reacted },
                    refusals: HashMap::new(),
                    is_new: true,
                }));
            }
        }
        Err(ProcessError::Overtaken { stream: stream.clone(), attempts: MAX_ATTEMPTS })
    }

    /// Calls the handler.
    fn decide(
        &self,
        runtime: &Runtime,
        instance: &Instance,
        cause: &Cause,
        to: &Trigger,
        last: Option<&Stored>,
        handle: impl FnOnce(Option<&Value>, &mut Reaction<'_>) -> Result<Value, NotHandled>,
    ) -> Result<Reacted, ProcessError> {
        let known = last.map(|last| &last.reacted);
        let mut then = Reaction::new(self, instance, &cause.correlation_id, runtime.clock.now(), known);
        if let Trigger::Timer { name, .. } = to {
            then.timer_is_over(name);
        }
        let handled = guarded(|| handle(known.map(|known| &known.state), &mut then));
        let state = match handled {
            Ok(Ok(state)) => state,
            Ok(Err(error)) => return Err(not_handled(error, instance, to, last)),
            Err(source) => return Err(ProcessError::Panicked { process: self.name.to_string(), source }),
        };
        let before = known.and_then(|known| known.handled);
        then.into_reacted(to.clone(), state, before.max(place_of(to)))
    }
}

fn standing(to: &Trigger, last: Option<&Stored>) -> Standing {
    let Some(Stored { version: last_version, reacted: last }) = last else {
        // A timer that nobody has set is one of another store.
        return if matches!(to, Trigger::Timer { .. }) { Standing::Over } else { Standing::New };
    };
    match to {
        // One that stands before the last that was handled may come late all the same: one that could not be read at first.
        Trigger::Happened { place, .. } if last.handled.is_some_and(|handled| *place <= handled) => {
            Standing::Perhaps(Version::NONE)
        }
        Trigger::Happened { .. } => Standing::New,
        Trigger::Timer { name, serial } if last.timers.get(name) == Some(serial) => Standing::New,
        Trigger::Timer { .. } => Standing::Over,
        Trigger::Refused { version, .. } if *version >= last_version.get() => Standing::New,
        Trigger::Refused { version, .. } => Standing::Perhaps(Version::new(*version)),
    }
}

fn place_of(to: &Trigger) -> Option<Place> {
    match to {
        Trigger::Happened { place, .. } => Some(*place),
        _ => None,
    }
}

fn not_handled(error: NotHandled, instance: &Instance, to: &Trigger, last: Option<&Stored>) -> ProcessError {
    match error {
        NotHandled::State(source) => ProcessError::UnreadableState {
            stream: instance.stream.clone(),
            version: last.map_or(Version::NONE, |last| last.version),
            source: source.into(),
        },
        NotHandled::Payload(source) => {
            ProcessError::Unreadable { name: to.name().to_owned(), source: source.into() }
        }
        NotHandled::NewState(source) => {
            ProcessError::Unwritable { what: "the state of an instance".to_owned(), source: source.into() }
        }
    }
}
