//! A bank whose handlers register themselves.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use allframe_cqrs::{
    Aggregate, CommandBus, CommandBusBuilder, Decision, DispatchContext, EventStore, EventStoreBackend,
    ExpectedVersion, command, command_handler, event, handlers,
};
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum AccountEvent {
    Opened { owner: String },
    Deposited { amount: u64 },
    Withdrawn { amount: u64 },
}

use AccountEvent::{Deposited, Opened, Withdrawn};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Account {
    pub(crate) owner: Option<String>,
    pub(crate) balance: u64,
}

impl Aggregate for Account {
    type Event = AccountEvent;

    fn apply_event(&mut self, event: &AccountEvent) {
        match event {
            Opened { owner } => self.owner = Some(owner.clone()),
            Deposited { amount } => self.balance += amount,
            Withdrawn { amount } => self.balance -= amount,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("{missing} is missing")]
    Overdrawn { missing: u64 },
    #[error("it is open")]
    IsOpen,
}

#[command(stream = "account-{account}")]
#[derive(Clone, Serialize)]
pub(crate) struct Open {
    pub(crate) account: u32,
    pub(crate) owner: String,
}

/// By reference: no copy, and it need not be `Clone`.
#[command_handler]
fn open(command: &Open, account: &Account) -> Result<Vec<AccountEvent>, Refused> {
    match account.owner {
        None => Ok(vec![Opened { owner: command.owner.clone() }]),
        Some(_) => Err(Refused::IsOpen),
    }
}

#[command(stream = "account-{account}")]
#[derive(Serialize)]
pub(crate) struct Deposit {
    pub(crate) account: u32,
    pub(crate) amount: u64,
}

#[command_handler]
async fn deposit(command: Deposit) -> Vec<AccountEvent> {
    vec![Deposited { amount: command.amount }]
}

#[command(stream = "account-{account}")]
#[derive(Clone, Serialize)]
pub(crate) struct Withdraw {
    pub(crate) account: u32,
    pub(crate) amount: u64,
}

/// By value, with something that is given to it.
#[command_handler]
pub(crate) fn withdraw(
    command: Withdraw,
    account: &Account,
    ledger: Arc<Ledger>,
) -> Result<Vec<AccountEvent>, Refused> {
    ledger.decisions.fetch_add(1, Ordering::Relaxed);
    match command.amount.checked_sub(account.balance) {
        None | Some(0) => Ok(vec![Withdrawn { amount: command.amount }]),
        Some(missing) => Err(Refused::Overdrawn { missing }),
    }
}

/// Two accounts at once.
#[command]
#[derive(Serialize)]
pub(crate) struct Transfer {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) amount: u64,
}

/// What counts, and is shared.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) decisions: AtomicU32,
    pub(crate) contexts: Mutex<Vec<DispatchContext>>,
}

#[handlers]
impl Ledger {
    #[command_handler]
    pub(crate) async fn transfer(
        &self,
        command: Transfer,
        store: &EventStore<AccountEvent, Arc<dyn EventStoreBackend>>,
        context: DispatchContext,
    ) -> Result<Decision<AccountEvent>, Box<dyn std::error::Error + Send + Sync>> {
        self.decisions.fetch_add(1, Ordering::Relaxed);
        self.contexts.lock().unwrap().push(context);
        let (from, to) = (format!("account-{}", command.from), format!("account-{}", command.to));
        let mut account = Account::default();
        let history = store.get_events(&from).await?;
        history.iter().for_each(|event| account.apply_event(event));
        if account.balance < command.amount {
            return Err(Refused::Overdrawn { missing: command.amount - account.balance }.into());
        }
        let seen = ExpectedVersion::Exact(u64::try_from(history.len())?.into());
        Ok(Decision::none().append(from, seen, vec![Withdrawn { amount: command.amount }]).append(
            to,
            ExpectedVersion::Any,
            vec![Deposited { amount: command.amount }],
        ))
    }
}

pub(crate) fn builder<B: EventStoreBackend>(
    store: &EventStore<AccountEvent, B>,
    ledger: &Arc<Ledger>,
) -> CommandBusBuilder<AccountEvent> {
    CommandBus::builder(store.clone()).provide(Arc::clone(ledger)).discover()
}

/// A bus over a store in memory.
pub(crate) struct Bank {
    pub(crate) store: EventStore<AccountEvent>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) bus: CommandBus<AccountEvent>,
}

impl Bank {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(
        change: impl FnOnce(CommandBusBuilder<AccountEvent>) -> CommandBusBuilder<AccountEvent>,
    ) -> Self {
        let (store, ledger) = (EventStore::new(), Arc::new(Ledger::default()));
        let bus = change(builder(&store, &ledger)).build().unwrap();
        Self { store, ledger, bus }
    }

    pub(crate) async fn deposit(&self, account: u32, amount: u64) {
        self.bus.dispatch(Deposit { account, amount }).await.unwrap();
    }

    pub(crate) async fn events_of(&self, account: u32) -> Vec<AccountEvent> {
        self.store.get_events(format!("account-{account}")).await.unwrap()
    }
}
