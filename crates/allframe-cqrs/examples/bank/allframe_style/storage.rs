//! How accounts are loaded and stored, by hand.

use allframe_cqrs::{Aggregate, CommandError, EventStore};

use crate::domain::{Account, AccountEvent, Refused};

#[derive(Clone)]
pub(crate) struct Accounts {
    store: EventStore<AccountEvent>,
}

impl Accounts {
    pub(crate) fn new(store: EventStore<AccountEvent>) -> Self {
        Self { store }
    }

    // count: storing
    pub(crate) async fn load(&self, account: u32) -> Result<Account, CommandError> {
        let events = self
            .store
            .get_events(stream_of(account))
            .await
            .map_err(|error| CommandError::Internal(error.to_string()))?;
        let mut state = Account::default();
        for event in &events {
            state.apply_event(event);
        }
        Ok(state)
    }

    /// AllFrame's store appends whatever the version: of two that decide at once, nobody hears of the other.
    pub(crate) async fn store(&self, account: u32, events: &[AccountEvent]) -> Result<(), CommandError> {
        self.store
            .append(stream_of(account), events.to_vec())
            .await
            .map_err(|error| CommandError::Internal(error.to_string()))?;
        Ok(())
    }
    // count: end
}

// count: storing
fn stream_of(account: u32) -> String {
    format!("account-{account}")
}

pub(crate) fn refused(reason: Refused) -> CommandError {
    CommandError::BusinessLogic(reason.to_string())
}
// count: end
