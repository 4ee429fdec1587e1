mod behind_layers;
mod builder;
mod commit;
mod decision;
#[cfg(feature = "macros")]
mod discovered;
mod dispatch;
mod dispatched;
mod entry;
#[cfg(feature = "memory")]
mod handing_back;
mod handle;
mod handlers;
#[cfg(feature = "json-commands")]
mod json;
mod key_record;
mod key_turns;
mod keys;
#[cfg(all(doctest, feature = "macros", feature = "validation", feature = "json-commands"))]
mod page;
mod retries;

use std::{
    any::TypeId,
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

pub use builder::CommandBusBuilder;
#[doc(hidden)]
pub use decision::NothingToStore;
pub use decision::{DecidedEvents, Decision, IntoDecision};
#[cfg(feature = "macros")]
pub use discovered::{CommandDiscovery, DiscoveredCommandHandler};
use dispatch::refused_unhandled;
pub use dispatched::{Dispatched, Execution};
pub use entry::StoredBy;
use eventstore_api::EventStoreBackend;
use handlers::Handlers;
pub use key_record::KeyRetention;
pub(crate) use key_record::rewrite_key_record;
use keys::Keys;

use crate::{
    Command, CommandError, DispatchContext, Event, EventStore,
    middleware::{Layer, Request},
};

/// A store on any backend.
type DynStore<E> = EventStore<E, Arc<dyn EventStoreBackend>>;

/// Takes commands to their handlers, and stores the events that these decide on.
///
/// There is one handler a command: a function with [`#[command_handler]`](crate::command_handler), which registers itself, or a
/// function, a closure or a [`CommandHandler`](crate::CommandHandler) that is given by hand. What a handler needs beside its
/// command is given to it by type. All of that is checked when the bus is built, before the first command.
///
/// ```
/// use allframe_cqrs::{Aggregate, CommandBus, EventStore, command, command_handler, event};
/// use serde::{Deserialize, Serialize};
///
/// #[event]
/// #[derive(Clone, Serialize, Deserialize)]
/// enum AccountEvent { Deposited { amount: u64 }, Withdrawn { amount: u64 } }
///
/// #[derive(Default)]
/// struct Account { balance: u64 }
///
/// impl Aggregate for Account {
///     type Event = AccountEvent;
///     fn apply_event(&mut self, event: &AccountEvent) {
///         match event {
///             AccountEvent::Deposited { amount } => self.balance += amount,
///             AccountEvent::Withdrawn { amount } => self.balance -= amount,
///         }
///     }
/// }
///
/// #[command(stream = "account-{account}")]
/// #[derive(Clone)]
/// struct Deposit { account: u32, amount: u64 }
///
/// #[command(stream = "account-{account}")]
/// #[derive(Clone)]
/// struct Withdraw { account: u32, amount: u64 }
///
/// #[derive(Debug, PartialEq, thiserror::Error)]
/// #[error("{missing} is missing")]
/// struct Overdrawn { missing: u64 }
///
/// #[command_handler]
/// async fn deposit(command: Deposit) -> Vec<AccountEvent> {
///     vec![AccountEvent::Deposited { amount: command.amount }]
/// }
///
/// #[command_handler]
/// fn withdraw(command: Withdraw, account: &Account) -> Result<Vec<AccountEvent>, Overdrawn> {
///     match command.amount.checked_sub(account.balance) {
///         None | Some(0) => Ok(vec![AccountEvent::Withdrawn { amount: command.amount }]),
///         Some(missing) => Err(Overdrawn { missing }),
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let bus = CommandBus::builder(EventStore::<AccountEvent>::new()).discover().build()?;
///
/// let deposited = bus.dispatch(Deposit { account: 7, amount: 42 }).await.unwrap();
/// assert_eq!(deposited.appended[0].stream.as_str(), "account-7");
///
/// let refused = bus.dispatch(Withdraw { account: 7, amount: 50 }).await.unwrap_err();
/// assert_eq!(refused.rejection::<Overdrawn>(), Some(&Overdrawn { missing: 8 }));
/// # Ok::<(), allframe_cqrs::BuildError>(()) }).unwrap();
/// ```
///
/// Every event that a command causes has in its metadata what caused it: see [`DispatchContext`].
///
/// Cloning a bus is cheap and gives another handle to the same one. It needs a tokio runtime with time.
pub struct CommandBus<E> {
    shared: Arc<Shared<E>>,
}

struct Shared<E> {
    store: DynStore<E>,
    storing: Storing,
    handlers: RwLock<Handlers<E>>,
    layers: Vec<Arc<dyn Layer<Dispatched<E>, CommandError>>>,
    keys: Keys,
}

/// What becomes of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storing {
    /// The bus stores them.
    ByBus,
    /// They are handed back, as by AllFrame's bus.
    ByCaller,
}

impl<E: Event> CommandBus<E> {
    /// A bus in the making, which stores events in this store.
    #[must_use]
    pub fn builder<B: EventStoreBackend>(store: EventStore<E, B>) -> CommandBusBuilder<E> {
        CommandBusBuilder::new(store)
    }

    /// Takes a command to its handler, and stores what that decides.
    ///
    /// Dropping the future early leaves its events wholly appended or not at all.
    ///
    /// # Errors
    ///
    /// [`CommandError`]: [`Validation`](CommandError::Validation) before any handler sees it, [`NotFound`](CommandError::NotFound),
    /// what the handler answered or [how it panicked](CommandError::Panicked), what a layer refused it with, and
    /// [`Store`](CommandError::Store).
    pub async fn dispatch<C: Command>(&self, command: C) -> Result<Dispatched<E>, CommandError> {
        self.dispatch_with(DispatchContext::new(), command).await
    }

    /// As [`CommandBus::dispatch`], with what the caller knows of the command: what it belongs to, and who it is for.
    ///
    /// # Errors
    ///
    /// As [`CommandBus::dispatch`].
    pub async fn dispatch_with<C: Command>(
        &self,
        context: DispatchContext,
        command: C,
    ) -> Result<Dispatched<E>, CommandError> {
        self.send(context.for_dispatch(), command).await
    }

    /// Carries a command out once, however often it is dispatched with this key, also by other processes and after restarts:
    /// later dispatches answer with the events of the first, and are marked [`Execution::Repeated`].
    ///
    /// The key and the events are stored in one append. A command that is refused or fails stores neither, and may be tried
    /// again. In one process, dispatches of a key wait for each other; in several, handlers may run at the same time, and the
    /// events of one are stored. A handler with effects outside hands on its
    /// [key](DispatchContext::idempotency_key).
    ///
    /// A handler that stores its events by itself cannot keep the key with them: its commands take no key.
    ///
    /// A key is 1 to 503 bytes, without control characters, and counts for every command on the store. A record of it stays in
    /// the log, of about 200 bytes. What a handler dispatches is a command of its own, with another key; it waits for nobody else
    /// who has that key, and the append decides.
    ///
    /// Dropping the future early leaves the key and the events both stored or neither: to know which, dispatch again with the key.
    ///
    /// # Errors
    ///
    /// As [`CommandBus::dispatch`], and [`CommandError::KeyReused`] when the key belongs to another command: one of another
    /// type, or of other content where the command is `Serialize` or came as JSON, or the one whose handler dispatches this one;
    /// [`CommandError::StoresByItself`].
    pub async fn dispatch_idempotent<C: Command>(
        &self,
        command: C,
        key: impl Into<Arc<str>>,
    ) -> Result<Dispatched<E>, CommandError> {
        self.dispatch_idempotent_with(DispatchContext::new(), command, key).await
    }

    /// As [`CommandBus::dispatch_idempotent`], with what the caller knows of the command.
    ///
    /// # Errors
    ///
    /// As [`CommandBus::dispatch_idempotent`].
    pub async fn dispatch_idempotent_with<C: Command>(
        &self,
        context: DispatchContext,
        command: C,
        key: impl Into<Arc<str>>,
    ) -> Result<Dispatched<E>, CommandError> {
        self.send(context.for_dispatch().with_idempotency_key(key), command).await
    }

    /// The names of the commands that it takes, sorted.
    #[must_use]
    pub fn commands(&self) -> Vec<&'static str> {
        self.handlers().names()
    }

    /// Sees to it that no command is carried out with this key any more, in any process, and answers whether one has been: what
    /// somebody sends later is refused as [`CommandError::KeyReused`].
    pub(crate) async fn withhold(&self, key: &str) -> Result<bool, CommandError> {
        key_record::withhold(&self.shared.store, key).await
    }

    fn send<C: Command>(
        &self,
        context: DispatchContext,
        command: C,
    ) -> impl Future<Output = Result<Dispatched<E>, CommandError>> {
        self.send_any(TypeId::of::<C>(), C::name(), Request::new(context, Box::new(command)))
    }

    /// Sends a command of whatever type: of this one, and of this name.
    async fn send_any(
        &self,
        of_type: TypeId,
        name: &'static str,
        request: Request,
    ) -> Result<Dispatched<E>, CommandError> {
        let entry = self.handlers().of_type(of_type).cloned();
        match entry {
            Some(entry) => self.shared.dispatch(&entry, request).await,
            None => Err(refused_unhandled(name, request.context, CommandError::NotFound(name.to_owned()))),
        }
    }

    fn handlers(&self) -> RwLockReadGuard<'_, Handlers<E>> {
        self.shared.handlers.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> Clone for CommandBus<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<E> fmt::Debug for CommandBus<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandBus")
            .field("events", &std::any::type_name::<E>())
            .field("layers", &self.shared.layers.len())
            .finish_non_exhaustive()
    }
}
