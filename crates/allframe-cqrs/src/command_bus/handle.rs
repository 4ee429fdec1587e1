use std::{
    any::{Any, type_name},
    marker::PhantomData,
    sync::Arc,
};

use futures_core::future::BoxFuture;

use super::{Dispatched, IntoDecision, commit::Commit, decision::DecidedEvents};
use crate::{
    Addressed, Aggregate, Command, CommandError, CommandHandler, DispatchContext, Event, ExecuteError,
    repository::{Beside, SharedRepository},
};

/// How commands of one type are handled.
pub(super) trait Handle<E>: Send + Sync {
    /// Handles a command; what became of it is in `done` then, so that who waits for that need not know of events.
    fn handle<'a>(
        &'a self,
        command: Box<dyn Any + Send + Sync>,
        context: &'a DispatchContext,
        commit: Commit<'a, E>,
        done: &'a mut Dispatched<E>,
    ) -> BoxFuture<'a, Result<(), CommandError>>;
}

/// A function that answers with events.
pub(super) struct Answering<C, H> {
    handler: H,
    commands: PhantomData<fn(C)>,
}

impl<C, H> Answering<C, H> {
    pub(super) fn new(handler: H) -> Self {
        Self { handler, commands: PhantomData }
    }
}

impl<E, C, D, F, H> Handle<E> for Answering<C, H>
where
    E: Event,
    C: Command,
    D: IntoDecision<Event = E>,
    F: Future<Output = D> + Send,
    H: Fn(C, &DispatchContext) -> F + Send + Sync,
{
    fn handle<'a>(
        &'a self,
        command: Box<dyn Any + Send + Sync>,
        context: &'a DispatchContext,
        commit: Commit<'a, E>,
        done: &'a mut Dispatched<E>,
    ) -> BoxFuture<'a, Result<(), CommandError>> {
        Box::pin(async move {
            let command = own::<C>(command)?;
            let target = command.target();
            let decision = (self.handler)(command, context).await.into_decision()?;
            *done = commit.append(target, C::name(), decision).await?;
            Ok(())
        })
    }
}

/// A handler as AllFrame has it: a function that answers with events.
pub(super) fn handled_by<E: Event, C: Command, H: CommandHandler<C, E> + 'static>(
    handler: H,
) -> Box<dyn Handle<E>> {
    let handler = Arc::new(handler);
    Box::new(Answering::<C, _>::new(move |command: C, _: &DispatchContext| {
        let handler = Arc::clone(&handler);
        async move { handler.handle(command).await }
    }))
}

/// A function that decides on an aggregate.
pub(super) struct Deciding<C, A: Aggregate, H> {
    decide: H,
    aggregates: SharedRepository<A>,
    commands: PhantomData<fn(C)>,
}

impl<C, A: Aggregate, H> Deciding<C, A, H> {
    pub(super) fn new(decide: H, aggregates: SharedRepository<A>) -> Self {
        Self { decide, aggregates, commands: PhantomData }
    }
}

impl<C, A, D, H> Handle<A::Event> for Deciding<C, A, H>
where
    C: Addressed,
    A: Aggregate,
    D: DecidedEvents<Event = A::Event>,
    H: Fn(&C, &A, &DispatchContext) -> D + Send + Sync,
{
    fn handle<'a>(
        &'a self,
        command: Box<dyn Any + Send + Sync>,
        context: &'a DispatchContext,
        commit: Commit<'a, A::Event>,
        done: &'a mut Dispatched<A::Event>,
    ) -> BoxFuture<'a, Result<(), CommandError>> {
        Box::pin(async move {
            let command = own::<C>(command)?;
            let stream = command.stream_id().map_err(crate::Error::from)?;
            let mut decide = |aggregate: &A| (self.decide)(&command, aggregate, context).into_events();
            let beside = commit.claim.map(|claim| claim as &dyn Beside);
            let executed =
                self.aggregates.execute(stream, &mut decide, beside).await.map_err(not_executed)?;
            let attempts = executed.attempts;
            let appended = executed.appended.into_iter().collect();
            *done = Dispatched { attempts, ..Dispatched::new(executed.events, appended) };
            Ok(())
        })
    }
}

fn not_executed(error: ExecuteError<CommandError>) -> CommandError {
    match error {
        ExecuteError::Rejected(why) => why,
        ExecuteError::Failed(error) => error.into(),
    }
}

fn own<C: 'static>(command: Box<dyn Any + Send + Sync>) -> Result<C, CommandError> {
    match command.downcast() {
        Ok(command) => Ok(*command),
        Err(_) => Err(replaced(type_name::<C>())),
    }
}

fn replaced(type_name: &'static str) -> CommandError {
    CommandError::Internal(format!("a layer has put something else in the place of a `{type_name}`"))
}
