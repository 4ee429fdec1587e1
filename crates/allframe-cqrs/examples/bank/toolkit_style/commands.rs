//! The commands, with where they go and what their fields may be.

use allframe_cqrs::command;
use serde::{Deserialize, Serialize};

#[command(json, stream = "account-{account}")]
#[derive(Serialize, Deserialize)]
pub(crate) struct OpenAccount {
    #[validate(range(min = 1))]
    pub(crate) account: u32,
    #[validate(length(min = 2, max = 40))]
    pub(crate) owner: String,
}

#[command(json, stream = "account-{account}")]
#[derive(Serialize, Deserialize)]
pub(crate) struct Deposit {
    #[validate(range(min = 1))]
    pub(crate) account: u32,
    #[validate(range(min = 1, max = 1_000_000))]
    pub(crate) amount: u64,
}

#[command(json, stream = "account-{account}")]
#[derive(Serialize, Deserialize)]
pub(crate) struct Withdraw {
    #[validate(range(min = 1))]
    pub(crate) account: u32,
    #[validate(range(min = 1, max = 1_000_000))]
    pub(crate) amount: u64,
}

#[command(json)]
#[derive(Serialize, Deserialize)]
pub(crate) struct Transfer {
    #[validate(range(min = 1))]
    pub(crate) from: u32,
    #[validate(range(min = 1))]
    pub(crate) to: u32,
    #[validate(range(min = 1, max = 1_000_000))]
    pub(crate) amount: u64,
}

#[command(json, stream = "account-{account}")]
#[derive(Serialize, Deserialize)]
pub(crate) struct CloseAccount {
    #[validate(range(min = 1))]
    pub(crate) account: u32,
}
