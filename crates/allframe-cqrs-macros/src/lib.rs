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

#[doc = include_str!("event.md")]
#[proc_macro_attribute]
pub fn event(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(event::expand(attribute.into(), item.into()))
}

#[doc = include_str!("projection.md")]
#[proc_macro_attribute]
pub fn projection(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(projection::expand(attribute.into(), item.into()))
}

#[doc = include_str!("row.md")]
#[proc_macro_derive(Row, attributes(key, index, row))]
pub fn row(item: TokenStream) -> TokenStream {
    expand(row::expand(item.into()))
}

#[doc = include_str!("command.md")]
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

#[doc = include_str!("handler/command_handler.md")]
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

#[doc = include_str!("handler/handlers.md")]
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
