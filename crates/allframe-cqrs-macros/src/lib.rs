#![doc = include_str!("../README.md")]

mod arguments;
mod command;
mod earlier_form;
mod earlier_serde;
mod event;
mod event_attributes;
mod event_schema;
mod expand;
mod field_history;
mod handler;
mod inverse;
mod json_names;
mod marker;
mod migration;
mod process;
mod projection;
mod row;
mod row_index;
mod saga;
mod tag;
mod template;
mod unknown_variant;
mod validation_rules;
mod version;

use expand::{expand, expand_or_keep};
use handler::{Handled, expand_handler, expand_handlers};
use proc_macro::TokenStream;

/// Makes an enum or a struct an event.
///
/// Implements `Event` and `EventTypeName`. Every variant of an enum is stored under a name of its own, the variant's, with
/// only its content as payload; a struct is stored under its own name. An enum to which serde gives a form of its own
/// (`#[serde(tag = "..")]`, `untagged`, `from`, `into`) is stored in that form. The type must be `Clone + Send + Sync` and
/// implement serde's `Serialize` and `Deserialize`.
///
/// | attribute | on | what it does |
/// |---|---|---|
/// | `#[event(rename = "..")]` | a variant, or the struct | the name under which it is stored, whatever the code calls it |
/// | `#[event(aliases("..", ".."))]` | a variant, or the struct | names under which it was stored before |
/// | `#[event(prefix = "..")]` | the type | what stands before every name that is not given with `rename`: `prefix = "user."` stores `Created` as `user.Created` |
/// | `#[event(schema)]` | the type | implements `EventSchemas`, with the feature `schema`: a JSON schema of every stored name and version |
/// | `#[tag]` | a field | tags the event `field:value` |
/// | `#[tag("key")]` | a field | tags the event `key:value` |
/// | `#[event(version = N)]` | a variant, or the struct | the version of its schema that is written, from 1, which it is unless said otherwise |
/// | `#[event(unchanged(2, 3))]` | a variant, or the struct | versions that changed none of its fields |
/// | `#[event(upcasters = path)]` | the type | a function `fn() -> VersionRegistry<Self>` with what else is known of earlier events |
/// | `#[event(unknown)]` | a variant that holds an `UnknownEvent` | what a stored event reads as that this program does not know, with `UnknownEvents::PassThrough` |
/// | `#[event(crate = path)]` | the type | where `allframe_cqrs` is, when it goes by another name |
///
/// Each on the type or the variant at most once, but for `aliases` and `unchanged`.
///
/// # Earlier versions
///
/// What changed from one version to the next is said at the field that changed, and events of earlier versions are then read as those
/// of today:
///
/// | attribute | on | what it says |
/// |---|---|---|
/// | `#[added(version = N)]` | a field | payloads have it since version `N`; in earlier events it is `Default::default()` |
/// | `#[added(version = N, default = value)]` | a field | in earlier events it is this, a value of the type that it had in version `N`; of a text, what `Into` makes of it |
/// | `#[renamed(from = "..", version = N)]` | a field | in payloads of before version `N` it has this name |
/// | `#[removed(version = N)]` | a field | payloads have it no more since version `N`; the field is no part of the type, and stays in the code to read earlier events |
/// | `#[converted(version = N, with = path)]` | a field | before version `N` it was what this function, or closure, takes, and became what it answers |
/// | `#[converted(version = N, try_with = path)]` | a field | the same, with a function that answers a `Result`, whose error is any error or a text |
/// | `#[converted(version = N, from = Type, with = path)]` | a field | the same, where the function takes several types, as `u64::from` does |
///
/// `N` is from 2 to the version of the event. A field may change as often as it likes, in one version at most once in each of these
/// ways. The versions that are read this way go back from today's without a gap: each is the `version` of a change or stands in
/// `unchanged`. What is before the first of them takes `upcasters`. Only fields with names have a history, of types that have no
/// parameters and to which serde gives no form of their own. A variant that had no content may get fields, each `added`.
///
/// ```
/// use allframe_cqrs::{EventTypeName, event};
///
/// #[event(version = 3)]
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct Booked {
///     // {"id":7,"euros":12} in version 1; {"number":7,"euros":12,"currency":"USD"} in version 2.
///     #[renamed(from = "id", version = 2)]
///     number: u32,
///     #[added(version = 2, default = "EUR")]
///     currency: String,
///     #[renamed(from = "euros", version = 3)]
///     #[converted(version = 3, with = cents_of)]
///     cents: u64,
/// }
///
/// fn cents_of(euros: u32) -> u64 {
///     u64::from(euros) * 100
/// }
///
/// # use allframe_cqrs::{EventStore, EventStoreBackend, ExpectedVersion, InMemoryBackend, StreamId};
/// # use allframe_cqrs::api::{Encoding, EventType, NewEvent};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # let backend = InMemoryBackend::new();
/// # let first = NewEvent::new(EventType::new("Booked").unwrap(), r#"{"id":7,"euros":12}"#.to_owned()).with_encoding(Encoding::JSON);
/// # backend.append(&StreamId::new("s").unwrap(), ExpectedVersion::Any, vec![first]).await.unwrap();
/// // A store in which an event of version 1 lies.
/// let store = EventStore::<Booked, _>::with_backend(backend);
/// let booked = store.get_events("s").await.unwrap().remove(0);
/// assert_eq!((booked.number, booked.currency.as_str(), booked.cents), (7, "EUR", 1200));
/// assert_eq!(Booked::variants()[0].schema_version, 3);
/// # });
/// ```
///
/// # Example
///
/// ```
/// use allframe_cqrs::{EventTypeName, event};
///
/// #[event]
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// enum AccountEvent {
///     Opened { owner: String },
///     #[event(rename = "Deposited", aliases("PaidIn"))]
///     MoneyDeposited(u64),
/// }
///
/// assert_eq!(AccountEvent::variants()[1].name, "Deposited");
/// assert_eq!(AccountEvent::MoneyDeposited(5).variant_index(), 1);
/// ```
#[proc_macro_attribute]
pub fn event(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(event::expand(attribute.into(), item.into()))
}

/// Names a projection, and registers it with every `ProjectionRegistry` that is started for its events.
///
/// Implements `NamedProjection`. The type must be `Clone + Default + Serialize + DeserializeOwned` and implement `Projection`.
///
/// | attribute | what it does |
/// |---|---|
/// | `name = ".."` | the name of the read model, in all its versions: under it its state is kept |
/// | `version = N` | raise it, from 1, when `apply` does something else or the state has other fields: the state is then built anew |
/// | `configure = path` | a function `fn(Registration<Self>) -> Registration<Self>` that says how it is run |
/// | `crate = path` | where `allframe_cqrs` is, when it goes by another name |
///
/// ```
/// use allframe_cqrs::{Consistency, Projection, Registration, event, projection};
///
/// #[event]
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct Deposited { amount: u64 }
///
/// #[projection(name = "turnover", version = 1, configure = inline)]
/// #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// struct Turnover { total: u64 }
///
/// fn inline(turnover: Registration<Turnover>) -> Registration<Turnover> {
///     turnover.with_consistency(Consistency::Inline)
/// }
///
/// impl Projection for Turnover {
///     type Event = Deposited;
///     fn apply(&mut self, event: &Deposited) { self.total += event.amount }
/// }
/// ```
#[proc_macro_attribute]
pub fn projection(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(projection::expand(attribute.into(), item.into()))
}

/// Makes a struct a row of a `Table`, with a key and with indexes.
///
/// Implements `Row`, and gives the type a constant for every index, by which the table is asked: `#[index] carrier` is
/// `Flight::CARRIER`, as visible as the field. The key is `Ord + Clone + Debug`, and so is what is indexed. The struct has
/// named fields and no lifetimes; what its type parameters need for that is said where they are declared.
///
/// | attribute | on | what it does |
/// |---|---|---|
/// | `#[key]` | a field | it is the key; on several fields, the key is the tuple of them |
/// | `#[index]` | a field | rows are found by its value and by ranges of it |
/// | `#[index(unique)]` | a field | and no two rows have the same |
/// | `#[index(name = "..")]` | a field | what the index and, in capitals, its constant are called, if not as the field |
/// | `#[index(name = "..", fields = [a, b])]` | the struct | an index over the tuple of these fields, as visible as the first; `unique` goes here too |
/// | `#[row(crate = path)]` | the struct | where `allframe_cqrs` is, when it goes by another name |
///
/// A field written `Option<T>` is looked up by `T`. Rows where it is `None` are found with `find_none`, lie in no range,
/// and do not collide in a unique index. Inside an index over several fields, `None` is a value like any other, and
/// collides.
///
/// ```
/// use allframe_cqrs::{Row, Table};
///
/// #[derive(Row, Clone)]
/// #[index(name = "route", fields = [from, to])]
/// struct Flight {
///     #[key]
///     number: u32,
///     from: &'static str,
///     to: &'static str,
///     #[index(unique)]
///     tail: Option<String>,
/// }
///
/// let mut flights = Table::new();
/// flights.insert(Flight { number: 1545, from: "EWR", to: "IAH", tail: Some("N14228".into()) })?;
/// assert_eq!(flights.find(Flight::ROUTE, &("EWR", "IAH")).count(), 1);
/// assert_eq!(flights.find_one(Flight::TAIL, "N14228").unwrap().number, 1545);
/// # Ok::<_, allframe_cqrs::UniqueViolation>(())
/// ```
#[proc_macro_derive(Row, attributes(key, index, row))]
pub fn row(item: TokenStream) -> TokenStream {
    expand(row::expand(item.into()))
}

/// Makes a struct a command: implements `Command`, and what its attributes ask for.
///
/// | attribute | on | what it does |
/// |---|---|---|
/// | `#[command(stream = "account-{account}")]` | the struct | which stream it is for, with its fields as `format!` takes them; or a function, `stream = path`, that takes the command by reference |
/// | `#[command(inverse = Release { seats, why: format!("{who} stays") })]` | the struct | implements `Invertible`: the command that undoes it. A field by its name alone is a clone of the command's, and expressions have the fields of the command as references, and the command as `self`; for anything but such an expression, implement `Invertible` by hand |
/// | `#[command(json)]` | the struct | it is read from JSON by `dispatch_json`, which checks a schema derived from it; it needs the feature `json-commands`, and serde's `Deserialize` |
/// | `#[command(name = "..")]` | the struct | what it is called in JSON, metadata and metrics, if not as the type |
/// | `#[validate(..)]` | a field | a rule of [garde](https://docs.rs/garde), written as for `#[garde(..)]`, that is checked before any handler sees the command; it needs the feature `validation`, and garde with `derive` in the `Cargo.toml` that has the command |
/// | `#[command(crate = path)]` | the struct | where `allframe_cqrs` is, when it goes by another name |
///
/// A command that is `Serialize` has a fingerprint, by which an idempotency key knows it from another.
///
/// ```
/// use allframe_cqrs::{Command, command};
///
/// #[command(stream = "account-{account}", name = "open-account")]
/// struct OpenAccount { account: u32, owner: String }
///
/// let open = OpenAccount { account: 7, owner: "ann".into() };
/// assert_eq!(open.target().unwrap().unwrap().as_str(), "account-7");
/// assert_eq!(OpenAccount::name(), "open-account");
/// ```
#[proc_macro_attribute]
pub fn command(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(command::expand(attribute.into(), item.into()))
}

/// Makes a struct a query: implements `Query`.
///
/// `#[query(crate = path)]` says where `allframe_cqrs` is, when it goes by another name.
#[proc_macro_attribute]
pub fn query(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(marker::expand("query", "Query", attribute.into(), item.into()))
}

/// Registers a function that carries out commands with every `CommandBus` that discovers handlers of its events. The function
/// itself stays as it is, to be called in tests.
///
/// Its first argument is the command. Every further one is given to it by type, by value or by reference: what the bus was
/// given with `provide`, the `EventStore` of the bus, or the `DispatchContext`. It answers with `Vec<Event>` or
/// `Decision<Event>`, or a `Result` of one of them, which the bus stores. One that stores by itself answers with nothing, or
/// `Result<(), _>`; its bus is that of the events of the `EventStore` that it asks for, or of `#[command_handler(events = ..)]`.
///
/// A function that is not async and takes a reference as its second argument decides on that aggregate: the bus loads it from
/// the stream that the command names, and appends the events if the stream is still the same. The command then is `Clone`, or
/// taken by reference.
///
/// ```
/// use allframe_cqrs::{Aggregate, command, command_handler, event};
///
/// #[event]
/// #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Withdrawn { amount: u64 }
///
/// #[derive(Default)]
/// struct Account { balance: u64 }
///
/// impl Aggregate for Account {
///     type Event = Withdrawn;
///     fn apply_event(&mut self, event: &Withdrawn) { self.balance -= event.amount }
/// }
///
/// #[command(stream = "account-{account}")]
/// struct Withdraw { account: u32, amount: u64 }
///
/// #[command_handler]
/// fn withdraw(command: &Withdraw, account: &Account) -> Result<Vec<Withdrawn>, &'static str> {
///     if command.amount > account.balance { return Err("not enough money"); }
///     Ok(vec![Withdrawn { amount: command.amount }])
/// }
///
/// assert!(withdraw(&Withdraw { account: 7, amount: 5 }, &Account { balance: 3 }).is_err());
/// ```
///
/// On a method, it goes inside an impl block with `#[handlers]`.
#[proc_macro_attribute]
pub fn command_handler(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand_or_keep(item.into(), |item| expand_handler(Handled::Command, attribute.into(), item))
}

/// Registers a function that answers queries with every `QueryBus` that discovers handlers. The function itself stays as it is.
///
/// Its first argument is the query. Every further one is given to it by type, by value or by reference: what the bus was given
/// with `provide` or `projection`, or the `DispatchContext`. Its answer is what `dispatch` answers with; of a `Result` or a
/// `QueryResult`, which are known by these names, that is what is in `Ok`.
///
/// On a method, it goes inside an impl block with `#[handlers]`.
#[proc_macro_attribute]
pub fn query_handler(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand_or_keep(item.into(), |item| expand_handler(Handled::Query, attribute.into(), item))
}

/// Registers those methods of an impl block that are marked with `#[command_handler]` or `#[query_handler]`.
///
/// What they are called on is given to them as everything else: the bus is given an `Arc` of the type.
///
/// ```
/// use std::sync::Arc;
/// use allframe_cqrs::{CommandBus, EventStore, command, event, handlers};
///
/// #[event]
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct Deposited { amount: u64 }
///
/// #[command(stream = "account-{account}")]
/// struct Deposit { account: u32, amount: u64 }
///
/// struct Bank { fee: u64 }
///
/// #[handlers]
/// impl Bank {
///     #[command_handler]
///     async fn deposit(&self, command: Deposit) -> Vec<Deposited> {
///         vec![Deposited { amount: command.amount - self.fee }]
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let bus = CommandBus::builder(EventStore::<Deposited>::new()).provide(Arc::new(Bank { fee: 2 })).discover().build().unwrap();
/// let done = bus.dispatch(Deposit { account: 7, amount: 42 }).await.unwrap();
/// assert_eq!(done.events[0].amount, 40);
/// # });
/// ```
#[proc_macro_attribute]
pub fn handlers(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(expand_handlers(attribute.into(), item.into()))
}

#[doc = include_str!("saga/saga.md")]
#[proc_macro_attribute]
pub fn saga(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(saga::expand(attribute.into(), item.into()))
}

#[doc = include_str!("saga/saga_step.md")]
#[proc_macro_attribute]
pub fn saga_step(_: TokenStream, item: TokenStream) -> TokenStream {
    expand_or_keep(item.into(), |_| saga::expand_step())
}

#[doc = include_str!("process/process_manager.md")]
#[proc_macro_attribute]
pub fn process_manager(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(process::expand(attribute.into(), item.into()))
}
