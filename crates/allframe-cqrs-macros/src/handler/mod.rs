//! Functions and methods that handle commands or queries, and register themselves.

mod command;
mod impl_block;
mod query;
mod signature;

pub(crate) use command::expand as expand_command_handler;
pub(crate) use impl_block::expand as expand_handlers;
pub(crate) use query::expand as expand_query_handler;
