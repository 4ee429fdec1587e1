//! What the bank stores, and what it decides.

use std::collections::BTreeMap;

use allframe_cqrs::{Aggregate, CommandBus, Projection, Recorded, command, event};
use allframe_cqrs::{ApplyContext, ApplyError, BuildError};
use serde::{Deserialize, Serialize};

use crate::store::Store;

/// How many accounts there are: few, so that they are contended.
pub(crate) const ACCOUNTS: u64 = 24;

#[event]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum BankEvent {
    /// Money from outside.
    Deposited { amount: u64 },
    /// A transfer has taken it.
    Taken { transfer: String, amount: u64 },
    /// A transfer has brought it.
    Given { transfer: String, amount: u64 },
    /// A transfer that has taken it has turned round.
    GivenBack { transfer: String, amount: u64 },
    /// A transfer that may have brought it has turned round, and had.
    TakenBack { transfer: String, amount: u64 },
    /// No money at all.
    Noted { text: String },
}

impl BankEvent {
    /// By how much an account is richer.
    pub(crate) fn change(&self) -> i128 {
        match self {
            Self::Deposited { amount } | Self::Given { amount, .. } | Self::GivenBack { amount, .. } => {
                i128::from(*amount)
            }
            Self::Taken { amount, .. } | Self::TakenBack { amount, .. } => -i128::from(*amount),
            Self::Noted { .. } => 0,
        }
    }

    /// The transfer that has done it.
    fn transfer(&self) -> Option<&str> {
        match self {
            Self::Taken { transfer, .. }
            | Self::Given { transfer, .. }
            | Self::GivenBack { transfer, .. }
            | Self::TakenBack { transfer, .. } => Some(transfer),
            Self::Deposited { .. } | Self::Noted { .. } => None,
        }
    }
}

pub(crate) fn account(number: u64) -> String {
    format!("account-{}", number % ACCOUNTS)
}

#[derive(Clone, Default)]
pub(crate) struct Account {
    balance: i128,
}

impl Aggregate for Account {
    type Event = BankEvent;

    fn apply_event(&mut self, event: &BankEvent) {
        self.balance += event.change();
    }
}

#[command(stream = "account-{account}", inverse = GiveBack { account, transfer, amount: *amount })]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Take {
    pub(crate) account: u64,
    pub(crate) transfer: String,
    pub(crate) amount: u64,
}

#[command(stream = "account-{account}")]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct GiveBack {
    pub(crate) account: u64,
    pub(crate) transfer: String,
    pub(crate) amount: u64,
}

/// Where nobody knows whether it was carried out, its inverse does.
#[command(stream = "account-{account}", inverse = TakeBack { account, transfer, amount: *amount })]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Give {
    pub(crate) account: u64,
    pub(crate) transfer: String,
    pub(crate) amount: u64,
    /// An account that takes nothing.
    pub(crate) is_closed: bool,
}

#[command(stream = "account-{account}")]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct TakeBack {
    pub(crate) account: u64,
    pub(crate) transfer: String,
    pub(crate) amount: u64,
}

pub(crate) fn bus(store: &Store) -> Result<CommandBus<BankEvent>, BuildError> {
    CommandBus::builder(store.clone())
        .decide(|command: &Take, account: &Account| match account.balance >= i128::from(command.amount) {
            true => Ok(vec![BankEvent::Taken { transfer: command.transfer.clone(), amount: command.amount }]),
            false => Err(format!("{} is more than {}", command.amount, account.balance)),
        })
        .decide(|command: &Give, _: &Account| match command.is_closed {
            false => {
                Ok(vec![BankEvent::Given { transfer: command.transfer.clone(), amount: command.amount }])
            }
            true => Err("the account is closed".to_owned()),
        })
        .decide(|command: &TakeBack, _: &Account| {
            vec![BankEvent::TakenBack { transfer: command.transfer.clone(), amount: command.amount }]
        })
        .decide(|command: &GiveBack, _: &Account| {
            vec![BankEvent::GivenBack { transfer: command.transfer.clone(), amount: command.amount }]
        })
        .build()
}

/// What each account holds, and how it came to know: one event too many or too few, or in another order, shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Balances {
    pub(crate) accounts: BTreeMap<String, i128>,
    /// What each transfer has taken and not brought yet: it is in no account.
    pub(crate) under_way: BTreeMap<String, i128>,
    events: u64,
    /// Of all positions, in their order.
    trace: u64,
}

impl Balances {
    pub(crate) fn see(&mut self, stream: &str, position: u64, event: &BankEvent) {
        self.events += 1;
        self.trace = self.trace.rotate_left(7) ^ position.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        if event.change() != 0 {
            *self.accounts.entry(stream.to_owned()).or_default() += event.change();
        }
        if let Some(transfer) = event.transfer() {
            let before = self.under_way.remove(transfer).unwrap_or_default();
            if before != event.change() {
                self.under_way.insert(transfer.to_owned(), before - event.change());
            }
        }
    }
}

impl Projection for Balances {
    type Event = BankEvent;

    fn apply(&mut self, event: &BankEvent) {
        // Only where nobody says of which stream, which is nowhere here.
        self.see("?", 0, event);
    }

    fn try_apply(&mut self, event: &Recorded<BankEvent>, _: &mut ApplyContext) -> Result<(), ApplyError> {
        self.see(event.stream().as_str(), event.position().get(), &event.event);
        Ok(())
    }
}
