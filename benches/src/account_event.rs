use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

/// A typed event of the usual size and shape.
#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AccountEvent {
    /// Somebody opened an account.
    Opened {
        /// Who.
        owner: String,
    },
    /// Money came in.
    Deposited {
        /// How much, in cents.
        amount: u64,
        /// What for.
        reference: String,
    },
    /// Money went out.
    Withdrawn {
        /// How much, in cents.
        amount: u64,
        /// To whom.
        recipient: String,
    },
}

impl AccountEvent {
    /// The `n`th event of an endless, always equal row.
    #[must_use]
    pub fn nth(n: u64) -> Self {
        match n % 3 {
            0 => Self::Opened { owner: format!("owner {n}") },
            1 => Self::Deposited { amount: n * 7 % 10_000, reference: format!("invoice {n}") },
            _ => Self::Withdrawn { amount: n * 5 % 10_000, recipient: format!("account {}", n % 997) },
        }
    }
}
