//! The commands, which say nothing of themselves.

use allframe_cqrs::Command;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct OpenAccount {
    pub(crate) account: u32,
    pub(crate) owner: String,
}

#[derive(Deserialize)]
pub(crate) struct Deposit {
    pub(crate) account: u32,
    pub(crate) amount: u64,
}

#[derive(Deserialize)]
pub(crate) struct Withdraw {
    pub(crate) account: u32,
    pub(crate) amount: u64,
}

#[derive(Deserialize)]
pub(crate) struct Transfer {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) amount: u64,
}

#[derive(Deserialize)]
pub(crate) struct CloseAccount {
    pub(crate) account: u32,
}

// count: registration
impl Command for OpenAccount {}
impl Command for Deposit {}
impl Command for Withdraw {}
impl Command for Transfer {}
impl Command for CloseAccount {}
// count: end
