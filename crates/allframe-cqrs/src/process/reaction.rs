use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use eventstore_api::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{
    ProcessError,
    engine::Engine,
    event::{Order, Place, Reacted, Trigger},
    key::Instance,
};
use crate::{Command, clock::after};

/// What a handler of a process manager decides on, beside what its instance knows from then on.
///
/// Nothing of it is done while the handler runs: it is stored with the new state in one append, and then carried out, with
/// idempotency keys, so that it takes effect once whatever dies meanwhile. So a handler may be called again, when another process
/// was faster, and what it decided before is forgotten.
///
/// What goes wrong while something is decided, such as a command that cannot be stored or a timer that nobody handles, fails the
/// reaction as a whole when the handler has returned.
pub struct Reaction<'a> {
    process: &'a Engine,
    instance: &'a Instance,
    correlation_id: &'a str,
    now: Timestamp,
    orders: Vec<Order>,
    timers: BTreeMap<String, u64>,
    timers_set: u64,
    ended: bool,
    /// The first thing that went wrong.
    failed: Option<ProcessError>,
}

impl<'a> Reaction<'a> {
    pub(super) fn new(
        process: &'a Engine,
        instance: &'a Instance,
        correlation_id: &'a str,
        now: Timestamp,
        last: Option<&Reacted>,
    ) -> Self {
        Self {
            process,
            instance,
            correlation_id,
            now,
            orders: Vec::new(),
            timers: last.map(|last| last.timers.clone()).unwrap_or_default(),
            timers_set: last.map_or(0, |last| last.timers_set),
            ended: false,
            failed: None,
        }
    }

    /// Dispatches a command, once.
    ///
    /// The later events of the instance wait until it is carried out. Where it is refused, the handler of
    /// [`on_refused`](super::ProcessManager::on_refused) is asked what to do. Where it fails otherwise, it is dispatched again with
    /// the retries of the consumer group, and then the event is parked, and with it those of this instance behind it. What is
    /// to be tried for longer, or nobody is to wait for, is for [`dispatch_after`](Self::dispatch_after), with no time at all.
    pub fn dispatch<C: Command + Serialize>(&mut self, command: C) -> &mut Self {
        self.order_command(&command, None)
    }

    /// Dispatches a command, once, when so much time has passed, in this process or another.
    ///
    /// Where it fails, it is dispatched again and again for an hour or so; then the saga that does it is parked.
    pub fn dispatch_after<C: Command + Serialize>(&mut self, time: Duration, command: C) -> &mut Self {
        self.order_command(&command, Some(after(self.now, time)))
    }

    /// As [`dispatch_after`](Self::dispatch_after), at a moment.
    pub fn dispatch_at<C: Command + Serialize>(&mut self, moment: Timestamp, command: C) -> &mut Self {
        self.order_command(&command, Some(moment))
    }

    /// Starts a saga, once. Its orchestrator must know its type, or the reaction cannot be carried out.
    pub fn start_saga<I: Serialize>(&mut self, saga: &str, id: impl fmt::Display, input: &I) -> &mut Self {
        self.order_saga(saga, &id, input, None)
    }

    /// As [`start_saga`](Self::start_saga), of a saga of which nothing is done before so much time has passed.
    pub fn start_saga_after<I: Serialize>(
        &mut self,
        time: Duration,
        saga: &str,
        id: impl fmt::Display,
        input: &I,
    ) -> &mut Self {
        self.order_saga(saga, &id, input, Some(after(self.now, time)))
    }

    /// Sets a timer: when so much time has passed, its handler is called with the payload, in this process or another. A timer of
    /// this name that is set already is set anew.
    pub fn set_timer<T: Serialize>(&mut self, name: &str, time: Duration, payload: &T) -> &mut Self {
        self.set_timer_at(name, after(self.now, time), payload)
    }

    /// As [`set_timer`](Self::set_timer), to a moment.
    pub fn set_timer_at<T: Serialize>(&mut self, name: &str, moment: Timestamp, payload: &T) -> &mut Self {
        if !self.process.timers.contains_key(name) {
            let process = self.process.name.to_string();
            return self.fails(ProcessError::UnknownTimer { process, timer: name.to_owned() });
        }
        match serde_json::to_value(payload) {
            Ok(payload) => {
                self.cancel_timer(name);
                self.timers_set = self.timers_set.saturating_add(1);
                let serial = self.timers_set;
                self.timers.insert(name.to_owned(), serial);
                self.orders.push(Order::SetTimer { name: name.to_owned(), serial, at: moment, payload });
                self
            }
            Err(source) => self.is_unwritable(format!("the payload of the timer `{name}`"), source),
        }
    }

    /// The timer of this name is not set any more; where none is, nothing changes.
    pub fn cancel_timer(&mut self, name: &str) -> &mut Self {
        if let Some(cancelled) = self.timers.remove(name) {
            // One that was set just now need not be set at all.
            self.orders
                .retain(|order| !matches!(order, Order::SetTimer { serial, .. } if *serial == cancelled));
        }
        self
    }

    /// The instance ends: what comes later is ignored, and its timers are cancelled. What was decided before this is carried out.
    pub fn end(&mut self) -> &mut Self {
        self.ended = true;
        self
    }

    /// The handler cannot react to this: nothing of what it decided is stored. The event is delivered again after a while, and parked
    /// at last.
    pub fn fail(&mut self, reason: impl fmt::Display) -> &mut Self {
        self.fails(ProcessError::Failed { reason: reason.to_string() })
    }

    /// The key of the instance.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.instance.key
    }

    /// What time it is, by the clock of the orchestrator.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What the reaction belongs to: what the event does.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        self.correlation_id
    }

    /// The timer that the reaction is to is over, whether or not the handler sets it anew.
    pub(super) fn timer_is_over(&mut self, name: &str) {
        self.timers.remove(name);
    }

    /// What is stored of it.
    pub(super) fn into_reacted(
        mut self,
        to: Trigger,
        state: Value,
        handled: Option<Place>,
    ) -> Result<Reacted, ProcessError> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        if self.ended {
            for name in self.timers.keys().cloned().collect::<Vec<_>>() {
                self.cancel_timer(&name);
            }
        }
        Ok(Reacted {
            to,
            state,
            orders: self.orders,
            handled,
            timers: self.timers,
            timers_set: self.timers_set,
            ended: self.ended,
        })
    }

    fn order_command<C: Command + Serialize>(&mut self, command: &C, at: Option<Timestamp>) -> &mut Self {
        let name = C::name();
        if !self.process.commands.contains_key(name) {
            let process = self.process.name.to_string();
            return self.fails(ProcessError::UnknownCommand { process, command: name.to_owned() });
        }
        match serde_json::to_value(command) {
            Ok(body) => {
                self.orders.push(Order::Dispatch { command: name.to_owned(), body, at });
                self
            }
            Err(source) => self.is_unwritable(format!("the command `{name}`"), source),
        }
    }

    fn order_saga<I: Serialize>(
        &mut self,
        saga: &str,
        id: &dyn fmt::Display,
        input: &I,
        at: Option<Timestamp>,
    ) -> &mut Self {
        match serde_json::to_value(input) {
            Ok(input) => {
                let (saga, id) = (saga.to_owned(), id.to_string());
                self.orders.push(Order::StartSaga { saga, id, input, at });
                self
            }
            Err(source) => self.is_unwritable(format!("the input of a saga `{saga}`"), source),
        }
    }

    fn is_unwritable(&mut self, what: String, source: serde_json::Error) -> &mut Self {
        self.fails(ProcessError::Unwritable { what, source: Arc::new(source) })
    }

    fn fails(&mut self, error: ProcessError) -> &mut Self {
        self.failed.get_or_insert(error);
        self
    }
}

impl fmt::Debug for Reaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reaction")
            .field("process", &self.process.name)
            .field("key", &self.instance.key)
            .field("orders", &self.orders)
            .field("timers", &self.timers)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
