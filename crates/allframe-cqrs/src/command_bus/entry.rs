use std::any::{Any, TypeId, type_name};

use super::handle::Handle;
use crate::{Command, CommandError, Fingerprint};

/// Who stores the events of a command.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredBy {
    /// The bus, which the handler answers with them.
    Bus,
    /// The handler, which answers with none.
    Handler,
}

/// A command, and how it is handled.
pub(super) struct Entry<E> {
    pub(super) command: &'static str,
    pub(super) command_type: TypeId,
    #[cfg_attr(
        not(feature = "memory"),
        expect(dead_code, reason = "a bus is filled while it runs in `compat` alone")
    )]
    pub(super) type_name: &'static str,
    #[cfg_attr(
        not(feature = "memory"),
        expect(dead_code, reason = "a bus is filled while it runs in `compat` alone")
    )]
    pub(super) handler_name: &'static str,
    pub(super) handler: Box<dyn Handle<E>>,
    pub(super) stored_by: StoredBy,
    pub(super) check: fn(&dyn Any) -> Result<(), CommandError>,
    pub(super) fingerprint: fn(&dyn Any) -> Option<Fingerprint>,
    #[cfg(feature = "json-commands")]
    pub(super) json: Option<super::json::JsonReader>,
}

impl<E> Entry<E> {
    pub(super) fn new<C: Command>(
        handler_name: &'static str,
        handler: Box<dyn Handle<E>>,
    ) -> Result<Self, crate::BuildProblem> {
        Ok(Self {
            command: C::name(),
            command_type: TypeId::of::<C>(),
            type_name: type_name::<C>(),
            handler_name,
            handler,
            stored_by: StoredBy::Bus,
            check: |command| match command.downcast_ref::<C>().map(C::check) {
                Some(Err(errors)) => Err(CommandError::Validation(errors)),
                _ => Ok(()),
            },
            fingerprint: |command| command.downcast_ref::<C>().and_then(C::fingerprint),
            #[cfg(feature = "json-commands")]
            json: super::json::JsonReader::of::<C>()?,
        })
    }
}
