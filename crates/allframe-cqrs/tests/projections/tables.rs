//! A table with indexes as the state of a projection.

use allframe_cqrs::{
    ApplyContext, ApplyError, EventStore, InMemoryBackend, Projection, ProjectionRegistry, Recorded,
    Registration, Row, Table,
};
use serde::{Deserialize, Serialize};

use crate::ledger::{Entry, SOON, deposit, fill};

#[derive(Clone, Debug, PartialEq, Row, Serialize, Deserialize)]
struct Account {
    #[key]
    name: String,
    #[index]
    deposits: u64,
    /// The position of its first event.
    #[index(unique)]
    opened_at: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Accounts {
    accounts: Table<Account>,
}

impl Projection for Accounts {
    type Event = Entry;

    fn apply(&mut self, _event: &Entry) {
        unreachable!("the account is in the record");
    }

    fn try_apply(&mut self, event: &Recorded<Entry>, _context: &mut ApplyContext) -> Result<(), ApplyError> {
        let name = event.stream().to_string();
        if !self.accounts.contains_key(&name) {
            let opened_at = event.position().get();
            self.accounts.insert(Account { name: name.clone(), deposits: 0, opened_at })?;
        }
        if matches!(event.event, Entry::Deposited { .. }) {
            self.accounts.update(&name, |account| account.deposits += 1)?;
        }
        Ok(())
    }
}

async fn registry_of(backend: &InMemoryBackend) -> ProjectionRegistry<Entry> {
    let registry = ProjectionRegistry::new(EventStore::with_backend(backend.clone()));
    registry.add(Registration::stored("accounts", 1, Accounts::default)).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry
}

#[tokio::test]
async fn indexes_are_kept_in_step_stored_with_the_state_and_built_anew_with_it() {
    let backend = InMemoryBackend::new();
    let registry = registry_of(&backend).await;
    fill(registry.store(), 500).await;
    let newest = deposit(registry.store(), "account-newest", 1).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    let live = registry.get::<Accounts>().await.unwrap().clone();
    registry.rebuild("accounts").await.unwrap();
    assert_eq!(*registry.get::<Accounts>().await.unwrap(), live);
    registry.close().await.unwrap();

    let registry = registry_of(&backend).await;
    assert_eq!(registry.status_of("accounts").await.unwrap().events_applied, 0);
    let view = registry.get::<Accounts>().await.unwrap();
    assert_eq!(*view, live);
    let of_one: Vec<_> =
        view.accounts.find(Account::DEPOSITS, &1).map(|account| account.name.as_str()).collect();
    assert_eq!(of_one, ["account-newest"]);
    let first = view.accounts.find_one(Account::OPENED_AT, &newest.get()).unwrap();
    assert_eq!(first.name, "account-newest");
    assert_eq!(view.accounts.range(Account::DEPOSITS, 2..).count(), 17);
}
