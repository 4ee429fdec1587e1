use std::{
    any::type_name,
    fmt,
    num::NonZeroU32,
    sync::{Arc, RwLock},
};

use eventstore_api::EventStoreBackend;

use super::{
    CommandBus, DecidedEvents, Dispatched, DynStore, Handlers, IntoDecision, KeyRetention, Shared, Storing,
    entry::{Entry, StoredBy},
    handle::{Answering, Deciding, Handle, handled_by},
    keys::Keys,
    retries::{GiveRepository, Retries},
};
use crate::{
    Addressed, Aggregate, Backoff, BuildError, Command, CommandError, CommandHandler, DispatchContext, Event,
    EventStore, Repository,
    injection::{Dependencies, Handled, Installs, Resolver, built},
    middleware::Layer,
    repository::SharedRepository,
};

/// A [`CommandBus`] in the making. The order of what it is given makes no difference, but for that of layers.
pub struct CommandBusBuilder<E> {
    store: DynStore<E>,
    storing: Storing,
    dependencies: Dependencies,
    handlers: Installs<Entry<E>>,
    layers: Vec<Arc<dyn Layer<Dispatched<E>, CommandError>>>,
    retention: KeyRetention,
    retries: Retries,
    repositories: Vec<GiveRepository>,
}

impl<E: Event> CommandBusBuilder<E> {
    pub(super) fn new<B: EventStoreBackend>(store: EventStore<E, B>) -> Self {
        let mut dependencies = Dependencies::new();
        let any = store.to_dyn();
        dependencies.insert_value(any.clone());
        dependencies.insert_value(store);
        Self {
            store: any,
            storing: Storing::ByBus,
            dependencies,
            handlers: Installs::new(),
            layers: Vec::new(),
            retention: KeyRetention::default(),
            retries: Retries::default(),
            repositories: Vec::new(),
        }
    }

    /// Gives handlers a value wherever they ask for its type, each dispatch a clone: an `Arc` of something, as a rule. The last
    /// of a type counts.
    ///
    /// Without being given, there are the store of the bus, as it is and as `EventStore<E, Arc<dyn EventStoreBackend>>`, and
    /// the [`DispatchContext`].
    ///
    /// ```
    /// # use allframe_cqrs::event;
    /// # #[event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Sent { to: String }
    /// use std::sync::Arc;
    /// use allframe_cqrs::{CommandBus, EventStore};
    ///
    /// trait Mailer: Send + Sync { fn send(&self, to: &str); }
    /// struct Smtp;
    /// impl Mailer for Smtp { fn send(&self, to: &str) { println!("to {to}") } }
    ///
    /// let mailer: Arc<dyn Mailer> = Arc::new(Smtp);
    /// let bus = CommandBus::builder(EventStore::<Sent>::new()).provide(mailer).build();
    /// ```
    #[must_use]
    pub fn provide<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.dependencies.insert_value(value);
        self
    }

    /// As [`provide`](Self::provide), with a value that is made for each dispatch, as one for the tenant it names.
    #[must_use]
    pub fn provide_with<T: Send + Sync + 'static>(
        mut self,
        make: impl Fn(&DispatchContext) -> T + Send + Sync + 'static,
    ) -> Self {
        self.dependencies.insert(make);
        self
    }

    /// Lets handlers that decide on an `A` load it through a repository with a cache, with snapshots, or what else is said of
    /// it here. It is one on the store of the bus, with the bus's number of attempts and waits unless others are said here.
    /// Handlers can ask for it, as an `Arc<Repository<A, Arc<dyn EventStoreBackend>>>`.
    ///
    /// ```
    /// # use allframe_cqrs::{event, Aggregate, CommandBus, EventStore};
    /// # #[event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Deposited { amount: u64 }
    /// # #[derive(Clone, Default)]
    /// # struct Account { balance: u64 }
    /// # impl Aggregate for Account {
    /// #     type Event = Deposited;
    /// #     fn apply_event(&mut self, event: &Deposited) { self.balance += event.amount }
    /// # }
    /// use std::num::NonZeroUsize;
    ///
    /// let cached = NonZeroUsize::new(10_000).unwrap();
    /// let bus = CommandBus::builder(EventStore::new())
    ///     .repository::<Account>(move |accounts| accounts.with_cache(cached))
    ///     .build();
    /// ```
    #[must_use]
    pub fn repository<A: Aggregate<Event = E> + 'static>(
        mut self,
        configure: impl FnOnce(
            Repository<A, Arc<dyn EventStoreBackend>>,
        ) -> Repository<A, Arc<dyn EventStoreBackend>>
        + Send
        + 'static,
    ) -> Self {
        let store = self.store.clone();
        self.repositories.push(Box::new(move |dependencies, retries| {
            let repository = Arc::new(configure(retries.repository(store)));
            dependencies.insert_value(SharedRepository::new(Arc::clone(&repository)));
            dependencies.insert_value(repository);
        }));
        self
    }

    /// Handles commands of type `C` with a value.
    #[must_use]
    pub fn handler<C: Command, H: CommandHandler<C, E> + 'static>(mut self, handler: H) -> Self {
        self.handlers.push(type_name::<H>(), Handled::of::<C>(C::name()), move |_, name| {
            Some(Entry::new::<C>(name, StoredBy::Bus, handled_by::<E, C, H>(handler)))
        });
        self
    }

    /// Handles commands of type `C` with an async function or closure.
    ///
    /// ```
    /// # use allframe_cqrs::{command, event, CommandBus, EventStore};
    /// # #[event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Deposited { amount: u64 }
    /// # #[command(stream = "account-{account}")]
    /// # struct Deposit { account: u32, amount: u64 }
    /// let bus = CommandBus::builder(EventStore::new())
    ///     .function(|command: Deposit| async move { vec![Deposited { amount: command.amount }] })
    ///     .build();
    /// ```
    #[must_use]
    pub fn function<C, D, F, H>(mut self, handler: H) -> Self
    where
        C: Command,
        D: IntoDecision<Event = E>,
        F: Future<Output = D> + Send + 'static,
        H: Fn(C) -> F + Send + Sync + 'static,
    {
        self.prepared::<C, D, F, _>(type_name::<H>(), StoredBy::Bus, |_| {
            Some(move |command: C, _: &DispatchContext| handler(command))
        });
        self
    }

    /// Handles commands of type `C` with a function that decides on an aggregate: the bus loads it from the stream that the
    /// command [names](Addressed), and appends what is decided if the stream is still the same. When another writer was
    /// faster, it is decided anew, up to a [bound](Self::with_max_attempts).
    ///
    /// ```
    /// # use allframe_cqrs::{command, event, Aggregate, CommandBus, EventStore};
    /// # #[event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Deposited { amount: u64 }
    /// # #[derive(Default)]
    /// # struct Account { balance: u64 }
    /// # impl Aggregate for Account {
    /// #     type Event = Deposited;
    /// #     fn apply_event(&mut self, event: &Deposited) { self.balance += event.amount }
    /// # }
    /// # #[command(stream = "account-{account}")]
    /// # struct Deposit { account: u32, amount: u64 }
    /// let bus = CommandBus::builder(EventStore::new())
    ///     .decide(|command: &Deposit, account: &Account| match account.balance {
    ///         0..1_000_000 => Ok(vec![Deposited { amount: command.amount }]),
    ///         _ => Err("enough is enough"),
    ///     })
    ///     .build();
    /// ```
    #[must_use]
    pub fn decide<C, A, D, H>(mut self, decide: H) -> Self
    where
        C: Addressed,
        A: Aggregate<Event = E> + 'static,
        D: DecidedEvents<Event = E>,
        H: Fn(&C, &A) -> D + Send + Sync + 'static,
    {
        self.deciding::<C, A, D, _>(type_name::<H>(), |_| {
            Some(move |command: &C, aggregate: &A, _: &DispatchContext| decide(command, aggregate))
        });
        self
    }

    /// Adds every handler with [`#[command_handler]`](crate::command_handler) in the program that decides on events of type `E`.
    #[cfg(feature = "macros")]
    #[must_use]
    pub fn discover(mut self) -> Self {
        super::discovered::add_all(&mut self);
        self
    }

    /// Puts a layer around all handlers, inside of those before it.
    #[must_use]
    pub fn layer(self, layer: impl Layer<Dispatched<E>, CommandError>) -> Self {
        self.shared_layer(Arc::new(layer))
    }

    /// As [`layer`](Self::layer), with one that other buses have too.
    #[must_use]
    pub fn shared_layer(mut self, layer: Arc<dyn Layer<Dispatched<E>, CommandError>>) -> Self {
        self.layers.push(layer);
        self
    }

    /// Remembers idempotency keys so long; without this, for good.
    #[must_use]
    pub fn with_key_retention(mut self, retention: KeyRetention) -> Self {
        self.retention = retention;
        self
    }

    /// Makes a decision at most so often while others are faster; without this, 32 times.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.retries.max_attempts = attempts.get();
        self
    }

    /// Waits so long between such attempts, not before the second. Without this, up to 1 ms, 2 ms and so on, and 50 ms at most.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.retries.backoff = backoff;
        self
    }

    /// The bus.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with everything that is wrong: every argument of a handler that nobody gave, and every command that two
    /// handlers handle.
    pub fn build(mut self) -> Result<CommandBus<E>, BuildError> {
        self.retries.give(&mut self.dependencies, self.repositories);
        let mut handlers = Handlers::new();
        let problems = self.handlers.install(&self.dependencies, |installed| handlers.put(installed.entry));
        let keys = Keys::of(&self.store, self.retention);
        let shared = Shared {
            store: self.store,
            storing: self.storing,
            handlers: RwLock::new(handlers),
            layers: self.layers,
            keys,
        };
        built(CommandBus { shared: Arc::new(shared) }, problems)
    }

    /// A handler whose arguments are found when the bus is built.
    pub(super) fn prepared<C, D, F, H>(
        &mut self,
        name: &'static str,
        stored_by: StoredBy,
        prepare: impl FnOnce(&mut Resolver<'_>) -> Option<H> + Send + 'static,
    ) where
        C: Command,
        D: IntoDecision<Event = E>,
        F: Future<Output = D> + Send + 'static,
        H: Fn(C, &DispatchContext) -> F + Send + Sync + 'static,
    {
        self.handlers.push(name, Handled::of::<C>(C::name()), move |resolver, name| {
            let handler = Answering::<C, H>::new(prepare(resolver)?);
            Some(Entry::new::<C>(name, stored_by, Box::new(handler)))
        });
    }

    /// A decision whose other arguments are found when the bus is built.
    pub(super) fn deciding<C, A, D, H>(
        &mut self,
        name: &'static str,
        prepare: impl FnOnce(&mut Resolver<'_>) -> Option<H> + Send + 'static,
    ) where
        C: Addressed,
        A: Aggregate<Event = E> + 'static,
        D: DecidedEvents<Event = E>,
        H: Fn(&C, &A, &DispatchContext) -> D + Send + Sync + 'static,
    {
        let store = self.store.clone();
        self.handlers.push(name, Handled::of::<C>(C::name()), move |resolver, name| {
            let decide = prepare(resolver)?;
            let aggregates = resolver.find_given::<SharedRepository<A>>().unwrap_or_else(|| {
                let retries: Retries = resolver.find_given().unwrap_or_default();
                SharedRepository::new(Arc::new(retries.repository(store)))
            });
            let handler: Box<dyn Handle<E>> = Box::new(Deciding::<C, A, H>::new(decide, aggregates));
            Some(Entry::new::<C>(name, StoredBy::Bus, handler))
        });
    }
}

impl<E> fmt::Debug for CommandBusBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandBusBuilder")
            .field("handlers", &self.handlers.len())
            .field("layers", &self.layers.len())
            .finish_non_exhaustive()
    }
}
