use std::{any::type_name, collections::HashMap, fmt, marker::PhantomData, sync::Arc};

use eventstore_api::EventStoreBackend;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    ProcessError, Reaction, Refused,
    commands::{Dispatch, dispatch},
    engine::Engine,
    handler::{Handler, handler, handler_of_stored},
    key::check_name,
    rules::Rules,
};
use crate::{Command, CommandBus, Event, Recorded, consumer_group::ConsumerGroupBuilder};

/// Reacts to events of type `E`, by instances that each know an `S`.
///
/// An instance is found by its key, which a function takes from the event: there is one from the first event on that has its key, and
/// it begins with `S::default()`. [The module](super) has an example.
pub struct ProcessManager<S, E> {
    name: Arc<str>,
    rules: Rules<E>,
    commands: Vec<(&'static str, Dispatch)>,
    timers: Vec<(Arc<str>, Handler<Value>)>,
    refused: Option<Handler<Refused>>,
    with_group: GroupSettings<E>,
    state: PhantomData<fn(S)>,
}

/// What is said of the consumer group.
pub(super) type GroupSettings<E> = Box<
    dyn FnOnce(
            ConsumerGroupBuilder<E, Arc<dyn EventStoreBackend>>,
        ) -> ConsumerGroupBuilder<E, Arc<dyn EventStoreBackend>>
        + Send,
>;

/// A process manager of which all but the type of the events is forgotten.
pub(super) struct Parts<E> {
    pub(super) process: Arc<Engine>,
    pub(super) rules: Rules<E>,
    pub(super) with_group: GroupSettings<E>,
}

impl<S, E> ProcessManager<S, E>
where
    S: Default + Serialize + DeserializeOwned + 'static,
    E: Event,
{
    /// A process manager of this name, that reacts to nothing yet: 1 to 48 letters, digits, `_` and `.`.
    ///
    /// The name is stored: under another, it is another one, which begins with the first event of the store.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            rules: Rules::new(),
            commands: Vec::new(),
            timers: Vec::new(),
            refused: None,
            with_group: Box::new(|group| group),
            state: PhantomData,
        }
    }

    /// Reacts to the events that have a key by this function, as the instance of that key. Where several say so of one event, it is
    /// for the first that was given.
    ///
    /// The handler is called once for each event as far as anyone can tell: it may be called again, with what the instance knew before,
    /// where another process was faster or died. So it only decides, and has what it decides done by the [`Reaction`].
    ///
    /// A panic of either function fails the event, which is delivered again, and parked at last.
    #[must_use]
    pub fn on<K: Into<String>>(
        mut self,
        key: impl Fn(&Recorded<E>) -> Option<K> + Send + Sync + 'static,
        handle: impl Fn(&mut S, &Recorded<E>, &mut Reaction<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.rules.add(move |event| key(event).map(Into::into), handler(handle));
        self
    }

    /// What is done when the time of a timer of this name has come, with the payload that it was set with.
    ///
    /// A panic has it tried again for an hour or so; then the saga that waits for the timer is parked.
    #[must_use]
    pub fn on_timer<T: DeserializeOwned>(
        mut self,
        name: impl Into<Arc<str>>,
        handle: impl Fn(&mut S, T, &mut Reaction<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.timers.push((name.into(), handler_of_stored(handle)));
        self
    }

    /// What is done when a command is refused that an instance has dispatched. Without this, the event is parked.
    #[must_use]
    pub fn on_refused(
        mut self,
        handle: impl Fn(&mut S, &Refused, &mut Reaction<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.refused = Some(handler(handle));
        self
    }

    /// Commands of this type go to that bus. Those that no bus was given for cannot be dispatched.
    ///
    /// They are stored before they are dispatched, under the name of the command, as JSON: a type that reads what it has written in
    /// earlier versions goes through an update.
    #[must_use]
    pub fn dispatches<C: Command + Serialize + DeserializeOwned>(
        mut self,
        bus: &CommandBus<impl Event>,
    ) -> Self {
        self.commands.push((C::name(), dispatch::<C, _>(bus)));
        self
    }

    /// Changes how the [consumer group](crate::consumer_group) is opened through which the events come: where it starts, how often an
    /// event is tried, how many partitions there are. Its key stays what the functions of [`on`](Self::on) say.
    ///
    /// ```
    /// use std::time::Duration;
    /// use allframe_cqrs::{GlobalPosition, consumer_group::RetryPolicy, process::ProcessManager};
    /// # #[allframe_cqrs::event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Placed;
    ///
    /// let shipping = ProcessManager::<(), Placed>::new("shipping").with_group(|group| {
    ///     group.starting_after(GlobalPosition::new(1_000)).with_retry(RetryPolicy::new(3))
    /// });
    /// ```
    #[must_use]
    pub fn with_group(
        mut self,
        settings: impl FnOnce(
            ConsumerGroupBuilder<E, Arc<dyn EventStoreBackend>>,
        ) -> ConsumerGroupBuilder<E, Arc<dyn EventStoreBackend>>
        + Send
        + 'static,
    ) -> Self {
        let before = self.with_group;
        self.with_group = Box::new(move |group| settings(before(group)));
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn into_parts(self) -> Result<Parts<E>, ProcessError> {
        check_name(&self.name)?;
        let mut commands = HashMap::new();
        for (name, dispatch) in self.commands {
            if commands.insert(name, dispatch).is_some() {
                let process = self.name.to_string();
                return Err(ProcessError::TwoCommands { process, command: name.to_owned() });
            }
        }
        let mut timers = HashMap::new();
        for (name, handler) in self.timers {
            if timers.insert(Arc::clone(&name), handler).is_some() {
                let process = self.name.to_string();
                return Err(ProcessError::TwoTimers { process, timer: name.to_string() });
            }
        }
        let process = Arc::new(Engine::new(self.name, commands, timers, self.refused));
        Ok(Parts { process, rules: self.rules, with_group: self.with_group })
    }
}

impl<E: Event> ProcessManager<(), E> {
    /// A process manager that does no more than to start sagas of one type: of which id and with what input, the function says of each
    /// event that starts one.
    ///
    /// ```
    /// use allframe_cqrs::process::ProcessManager;
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Trip { traveller: String }
    /// # #[allframe_cqrs::event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Booked { trip: u64, traveller: String }
    ///
    /// let starter = ProcessManager::starting_sagas("trips", "trip", |booked: &Booked| {
    ///     Some((booked.trip.to_string(), Trip { traveller: booked.traveller.clone() }))
    /// });
    /// ```
    #[must_use]
    pub fn starting_sagas<I: Serialize>(
        name: impl Into<Arc<str>>,
        saga: impl Into<Arc<str>>,
        start: impl Fn(&E) -> Option<(String, I)> + Send + Sync + 'static,
    ) -> Self {
        let (start, saga) = (Arc::new(start), saga.into());
        let of = Arc::clone(&start);
        Self::new(name).on(
            move |event| of(&event.event).map(|(id, _)| id),
            move |(), event, then| {
                if let Some((id, input)) = start(&event.event) {
                    then.start_saga(&saga, id, &input);
                }
            },
        )
    }
}

impl<S, E> fmt::Debug for ProcessManager<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commands: Vec<_> = self.commands.iter().map(|(name, _)| name).collect();
        let timers: Vec<_> = self.timers.iter().map(|(name, _)| name).collect();
        f.debug_struct("ProcessManager")
            .field("name", &self.name)
            .field("state", &type_name::<S>())
            .field("commands", &commands)
            .field("timers", &timers)
            .finish_non_exhaustive()
    }
}
