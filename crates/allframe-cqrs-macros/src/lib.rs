#![doc = include_str!("../README.md")]

mod event;
mod event_attributes;
mod expand;
mod handler;
mod marker;
mod projection;
mod tag;

use expand::expand;
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
/// | `#[tag]` | a field | tags the event `field:value` |
/// | `#[tag("key")]` | a field | tags the event `key:value` |
/// | `#[event(crate = path)]` | the type | where `allframe_cqrs` is, when it goes by another name |
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

/// Makes a struct a command: implements `Command`.
#[proc_macro_attribute]
pub fn command(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(marker::expand("command", "Command", attribute.into(), item.into()))
}

/// Makes a struct a query: implements `Query`.
#[proc_macro_attribute]
pub fn query(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(marker::expand("query", "Query", attribute.into(), item.into()))
}

/// Marks a function that carries out commands; checks that it can be one, and leaves it as it is.
#[proc_macro_attribute]
pub fn command_handler(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(handler::expand("command_handler", "command", attribute.into(), item.into()))
}

/// Marks a function that answers queries; checks that it can be one, and leaves it as it is.
#[proc_macro_attribute]
pub fn query_handler(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(handler::expand("query_handler", "query", attribute.into(), item.into()))
}
