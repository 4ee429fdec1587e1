//! What both styles share: the events, the account, and the rules of the bank.

use allframe_cqrs::{Aggregate, event};
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum AccountEvent {
    Opened { owner: String },
    Deposited { amount: u64 },
    Withdrawn { amount: u64 },
    Closed,
}

use AccountEvent::{Closed, Deposited, Opened, Withdrawn};

/// An account, as its events make it. Amounts are in cents.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Account {
    state: State,
    pub(crate) balance: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    #[default]
    Unknown,
    Open,
    Closed,
}

impl Aggregate for Account {
    type Event = AccountEvent;

    fn apply_event(&mut self, event: &AccountEvent) {
        match event {
            Opened { .. } => self.state = State::Open,
            Deposited { amount } => self.balance += amount,
            Withdrawn { amount } => self.balance -= amount,
            Closed => self.state = State::Closed,
        }
    }
}

/// Why the bank does not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("there is such an account already")]
    IsThere,
    #[error("there is no such account")]
    IsNotThere,
    #[error("the account is closed")]
    IsClosed,
    #[error("{missing} is missing")]
    Overdrawn { missing: u64 },
    #[error("no more than {most} at a time")]
    TooMuch { most: u64 },
    #[error("{left} is left in it")]
    NotEmpty { left: u64 },
    #[error("both are the same account")]
    SameAccount,
}

/// What the bank allows, which is known when it opens for business.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) most_at_a_time: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { most_at_a_time: 50_000 }
    }
}

impl Account {
    pub(crate) fn open(&self, owner: &str) -> Result<Vec<AccountEvent>, Refused> {
        match self.state {
            State::Unknown => Ok(vec![Opened { owner: owner.to_owned() }]),
            State::Open | State::Closed => Err(Refused::IsThere),
        }
    }

    pub(crate) fn deposit(&self, amount: u64) -> Result<Vec<AccountEvent>, Refused> {
        self.must_be_open()?;
        Ok(vec![Deposited { amount }])
    }

    pub(crate) fn withdraw(&self, amount: u64, limits: &Limits) -> Result<Vec<AccountEvent>, Refused> {
        self.must_be_open()?;
        if amount > limits.most_at_a_time {
            return Err(Refused::TooMuch { most: limits.most_at_a_time });
        }
        match amount.checked_sub(self.balance) {
            None | Some(0) => Ok(vec![Withdrawn { amount }]),
            Some(missing) => Err(Refused::Overdrawn { missing }),
        }
    }

    pub(crate) fn close(&self) -> Result<Vec<AccountEvent>, Refused> {
        self.must_be_open()?;
        match self.balance {
            0 => Ok(vec![Closed]),
            left => Err(Refused::NotEmpty { left }),
        }
    }

    fn must_be_open(&self) -> Result<(), Refused> {
        match self.state {
            State::Open => Ok(()),
            State::Unknown => Err(Refused::IsNotThere),
            State::Closed => Err(Refused::IsClosed),
        }
    }
}
