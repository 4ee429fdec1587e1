use std::sync::Arc;

use serde_json::Value;

use super::{
    ProcessError, Refused,
    commands::NotDispatched,
    deferred::{ScheduledCommand, TimerSet},
    engine::{Cause, Engine, Runtime},
    event::{Order, Trigger},
    key::{Instance, command_saga, timer_saga},
    log::{Found, Stored},
};
use crate::CommandError;

/// How often in a row an instance may answer a refusal with commands that are refused too.
const MAX_REFUSALS: usize = 16;

impl Engine {
    /// Carries out what an instance has decided: all of it in order, also what was carried out before, which then takes no effect
    /// again. What it decides because commands are refused comes behind.
    ///
    /// Dropping the future early leaves some of it undone; carrying it out again does the rest.
    pub(super) async fn carry_out(
        &self,
        runtime: &Runtime,
        instance: &Instance,
        cause: &Cause,
        found: Found,
    ) -> Result<(), ProcessError> {
        let Found { stored, mut refusals, .. } = found;
        let mut reactions = vec![(stored, 0)];
        while let Some((Stored { version, reacted }, depth)) = reactions.pop() {
            for (place, order) in reacted.orders.iter().enumerate() {
                let at = (version.get(), place);
                let answer = match refusals.remove(&at) {
                    Some(refused_before) => Some(refused_before),
                    None => {
                        let found = self.carry_out_one(runtime, instance, cause, at, order).await?;
                        found.map(|found| {
                            refusals.extend(found.refusals);
                            found.stored
                        })
                    }
                };
                if let Some(answer) = answer {
                    if depth == MAX_REFUSALS {
                        return Err(ProcessError::RefusedTooOften { times: depth });
                    }
                    reactions.push((answer, depth + 1));
                }
            }
        }
        Ok(())
    }

    /// Answers what the instance decides because a command is refused.
    async fn carry_out_one(
        &self,
        runtime: &Runtime,
        instance: &Instance,
        cause: &Cause,
        (version, place): (u64, usize),
        order: &Order,
    ) -> Result<Option<Found>, ProcessError> {
        match order {
            Order::Dispatch { command, body, at: None } => {
                let order = Dispatched { version, place, command, body };
                return self.dispatch(runtime, instance, cause, order).await;
            }
            Order::Dispatch { command, body, at: Some(at) } => {
                let scheduled = ScheduledCommand {
                    key: instance.key.clone(),
                    version,
                    order: place,
                    command: command.clone(),
                    body: body.clone(),
                    causation_id: cause.causation_id.to_string(),
                };
                let id = format!("{}/{version}.{place}", instance.key);
                let saga = command_saga(&self.name);
                cause.context().run(runtime.sagas.schedule(&saga, &id, &scheduled, *at)).await?;
            }
            Order::StartSaga { saga, id, input, at: None } => {
                cause.context().run(runtime.sagas.start(saga, id, input)).await?;
            }
            Order::StartSaga { saga, id, input, at: Some(at) } => {
                cause.context().run(runtime.sagas.schedule(saga, id, input, *at)).await?;
            }
            Order::SetTimer { name, serial, at, payload } => {
                let timer = TimerSet {
                    key: instance.key.clone(),
                    timer: name.clone(),
                    serial: *serial,
                    payload: payload.clone(),
                };
                let id = format!("{}/{serial}", instance.key);
                let saga = timer_saga(&self.name);
                cause.context().run(runtime.sagas.schedule(&saga, &id, &timer, *at)).await?;
            }
        }
        Ok(None)
    }

    /// Dispatches a command; where it is refused, asks the instance what to do, and answers that.
    pub(super) async fn dispatch(
        &self,
        runtime: &Runtime,
        instance: &Instance,
        cause: &Cause,
        order: Dispatched<'_>,
    ) -> Result<Option<Found>, ProcessError> {
        let Dispatched { version, place, command, body } = order;
        let Some(dispatch) = self.commands.get(command) else {
            let process = self.name.to_string();
            return Err(ProcessError::UnknownCommand { process, command: command.to_owned() });
        };
        let key = instance.key_of_order(version, place);
        match dispatch(body.clone(), cause.context(), Arc::clone(&key)).await {
            Ok(()) => Ok(None),
            Err(NotDispatched::Failed(error)) => Err(error),
            Err(NotDispatched::Refused(error)) => {
                self.refused(runtime, instance, cause, order, error).await.map(Some)
            }
        }
    }

    async fn refused(
        &self,
        runtime: &Runtime,
        instance: &Instance,
        cause: &Cause,
        order: Dispatched<'_>,
        error: CommandError,
    ) -> Result<Found, ProcessError> {
        let Dispatched { version, place, command, body } = order;
        let reason = NotDispatched::reason(&error);
        if let Some(handler) = &self.refused {
            let refused = Refused::new(command.to_owned(), body.clone(), reason.clone());
            let to = Trigger::Refused { version, order: place, command: command.to_owned(), reason };
            if let Some(found) = self.react(runtime, instance, cause, &to, (handler, &refused)).await? {
                return Ok(found);
            }
        }
        Err(ProcessError::Refused { command: command.to_owned(), source: error })
    }
}

/// A command that was decided on, and by which order of which reaction.
#[derive(Clone, Copy)]
pub(super) struct Dispatched<'a> {
    pub(super) version: u64,
    pub(super) place: usize,
    pub(super) command: &'a str,
    pub(super) body: &'a Value,
}
