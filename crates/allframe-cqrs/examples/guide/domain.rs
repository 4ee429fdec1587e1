//! The domain: it knows no store.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use allframe_cqrs::{
    Aggregate, ApplyContext, ApplyError, EventStore, EventStoreBackend, Projection, ProjectionRegistry,
    Recorded, Repository, SnapshotPolicy, event, projection,
};
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum AccountEvent {
    Opened { owner: String },
    Deposited { amount: u64 },
    Withdrawn { amount: u64 },
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    is_open: bool,
    balance: u64,
}

impl Aggregate for Account {
    type Event = AccountEvent;

    fn apply_event(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { .. } => self.is_open = true,
            AccountEvent::Deposited { amount } => self.balance += amount,
            AccountEvent::Withdrawn { amount } => self.balance -= amount,
        }
    }
}

/// A read model: what is in each account.
#[projection(name = "balances", version = 1)]
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Balances {
    pub(crate) of_account: BTreeMap<String, u64>,
    /// How many events it has been built from.
    pub(crate) events: u64,
}

impl Projection for Balances {
    type Event = AccountEvent;

    fn apply(&mut self, _: &AccountEvent) {
        self.events += 1;
    }

    fn try_apply(
        &mut self,
        recorded: &Recorded<AccountEvent>,
        _: &mut ApplyContext,
    ) -> Result<(), ApplyError> {
        self.apply(&recorded.event);
        let balance = self.of_account.entry(recorded.record.stream.to_string()).or_default();
        match recorded.event {
            AccountEvent::Opened { .. } => {}
            AccountEvent::Deposited { amount } => *balance += amount,
            AccountEvent::Withdrawn { amount } => *balance -= amount,
        }
        Ok(())
    }
}

/// The bank, on whatever store it is given.
pub(crate) struct Bank {
    accounts: Repository<Account, Arc<dyn EventStoreBackend>>,
    read_models: ProjectionRegistry<AccountEvent, Arc<dyn EventStoreBackend>>,
}

impl Bank {
    pub(crate) async fn on(backend: Arc<dyn EventStoreBackend>) -> anyhow::Result<Self> {
        let store = EventStore::with_backend(backend);
        let read_models = ProjectionRegistry::start(store.clone()).await?;
        let accounts = Repository::new(store).with_snapshots(SnapshotPolicy::after_events(100));
        Ok(Self { accounts, read_models })
    }

    pub(crate) async fn open(&self, account: &str, owner: &str) -> anyhow::Result<()> {
        self.decide(account, |it| match it.is_open {
            true => Err("the account is open already".to_owned()),
            false => Ok(vec![AccountEvent::Opened { owner: owner.to_owned() }]),
        })
        .await
    }

    pub(crate) async fn deposit(&self, account: &str, amount: u64) -> anyhow::Result<()> {
        self.decide(account, |it| match it.is_open {
            true => Ok(vec![AccountEvent::Deposited { amount }]),
            false => Err("there is no such account".to_owned()),
        })
        .await
    }

    pub(crate) async fn withdraw(&self, account: &str, amount: u64) -> anyhow::Result<()> {
        self.decide(account, |it| match amount <= it.balance {
            true => Ok(vec![AccountEvent::Withdrawn { amount }]),
            false => Err(format!("there is not more than {}", it.balance)),
        })
        .await
    }

    /// What is in each account, as of everything that was decided before.
    pub(crate) async fn balances(&self) -> anyhow::Result<Balances> {
        self.read_models.wait_until_caught_up(Duration::from_secs(10)).await?;
        Ok(Balances::clone(&*self.read_models.get::<Balances>().await?))
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.read_models.close().await?;
        Ok(())
    }

    async fn decide(
        &self,
        account: &str,
        decide: impl Fn(&Account) -> Result<Vec<AccountEvent>, String> + Send + Sync,
    ) -> anyhow::Result<()> {
        self.accounts.execute(account, decide).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(())
    }
}
