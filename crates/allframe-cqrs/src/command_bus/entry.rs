use std::any::{Any, TypeId, type_name};

use super::handle::Handle;
use crate::{BuildProblem, Command, CommandError, Fingerprint};

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
    pub(super) command: KnownCommand,
    pub(super) handler: Box<dyn Handle<E>>,
}

impl<E> Entry<E> {
    pub(super) fn new<C: Command>(
        handler_name: &'static str,
        stored_by: StoredBy,
        handler: Box<dyn Handle<E>>,
    ) -> Result<Self, BuildProblem> {
        Ok(Self { command: KnownCommand::of::<C>(handler_name, stored_by)?, handler })
    }
}

/// What a bus knows of a command, of whatever type the events are.
pub(super) struct KnownCommand {
    pub(super) name: &'static str,
    pub(super) of_type: TypeId,
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
    pub(super) stored_by: StoredBy,
    pub(super) check: fn(&dyn Any) -> Result<(), CommandError>,
    pub(super) fingerprint: fn(&dyn Any) -> Option<Fingerprint>,
    #[cfg(feature = "json-commands")]
    pub(super) json: Option<super::json::JsonReader>,
}

impl KnownCommand {
    fn of<C: Command>(handler_name: &'static str, stored_by: StoredBy) -> Result<Self, BuildProblem> {
        Ok(Self {
            name: C::name(),
            of_type: TypeId::of::<C>(),
            type_name: type_name::<C>(),
            handler_name,
            stored_by,
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
