//! The bank as one writes it against AllFrame 0.1.28, whose names are here with AllFrame's own answers.
//!
//! Its bus hands events back and does not store them; a second dispatch of a key is answered from a map. So that an answer
//! that was lost and asked for again stores nothing twice, each handler stores by itself.

mod commands;
mod handlers;
mod storage;

use std::sync::Arc;

use allframe_cqrs::{BuildError, Command, CommandError, CommandResult, EventStore, compat::CommandBus};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    domain::{AccountEvent, Limits},
    story::TakesCommands,
};
use commands::{CloseAccount, Deposit, OpenAccount, Transfer, Withdraw};
use handlers::{CloseAccountHandler, DepositHandler, OpenAccountHandler, TransferHandler, WithdrawHandler};
use storage::Accounts;

pub(crate) struct Bank {
    store: EventStore<AccountEvent>,
    bus: CommandBus<AccountEvent>,
}

impl Bank {
    pub(crate) async fn open_for_business() -> Result<Self, BuildError> {
        let (store, limits) = (EventStore::new(), Arc::new(Limits::default()));
        let accounts = Accounts::new(store.clone());
        // count: registration
        let bus = CommandBus::new();
        bus.register(OpenAccountHandler { accounts: accounts.clone() }).await?;
        bus.register(DepositHandler { accounts: accounts.clone() }).await?;
        bus.register(WithdrawHandler { accounts: accounts.clone(), limits: Arc::clone(&limits) }).await?;
        bus.register(TransferHandler { accounts: accounts.clone(), limits }).await?;
        bus.register(CloseAccountHandler { accounts }).await?;
        // count: end
        Ok(Self { store, bus })
    }

    // count: registration
    async fn dispatch<C>(&self, fields: Value, key: &str) -> CommandResult<AccountEvent>
    where
        C: Command + DeserializeOwned,
    {
        let command: C =
            serde_json::from_value(fields).map_err(|error| CommandError::Internal(error.to_string()))?;
        self.bus.dispatch_idempotent(command, key.to_owned()).await
    }
    // count: end
}

impl TakesCommands for Bank {
    async fn take(&self, name: &str, fields: Value, key: &str) -> CommandResult<AccountEvent> {
        // count: registration
        match name {
            "OpenAccount" => self.dispatch::<OpenAccount>(fields, key).await,
            "Deposit" => self.dispatch::<Deposit>(fields, key).await,
            "Withdraw" => self.dispatch::<Withdraw>(fields, key).await,
            "Transfer" => self.dispatch::<Transfer>(fields, key).await,
            "CloseAccount" => self.dispatch::<CloseAccount>(fields, key).await,
            unknown => Err(CommandError::NotFound(unknown.to_owned())),
        }
        // count: end
    }

    fn store(&self) -> &EventStore<AccountEvent> {
        &self.store
    }
}
