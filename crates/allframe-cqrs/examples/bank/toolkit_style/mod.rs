//! The bank with this toolkit: commands say what they are, and handlers decide.

mod commands;
mod handlers;

use std::sync::Arc;

#[cfg(test)]
pub(crate) use self::{commands::Withdraw, handlers::withdraw};
use allframe_cqrs::{BuildError, CommandBus, CommandError, EventStore};
use serde_json::Value;

use crate::{
    domain::{Account, AccountEvent, Limits},
    story::TakesCommands,
};

pub(crate) struct Bank {
    store: EventStore<AccountEvent>,
    bus: CommandBus<AccountEvent>,
}

impl Bank {
    pub(crate) fn open_for_business() -> Result<Self, BuildError> {
        let (store, limits) = (EventStore::new(), Arc::new(Limits::default()));
        // count: registration
        let builder = CommandBus::builder(store.clone()).repository::<Account>(|accounts| accounts);
        let bus = builder.provide(limits).discover().build()?;
        // count: end
        Ok(Self { store, bus })
    }
}

impl TakesCommands for Bank {
    async fn take(&self, name: &str, fields: Value, key: &str) -> Result<Vec<AccountEvent>, CommandError> {
        // count: registration
        let done = self.bus.dispatch_json_idempotent(name, fields, key).await?;
        // count: end
        Ok(done.events)
    }

    fn store(&self) -> &EventStore<AccountEvent> {
        &self.store
    }
}
