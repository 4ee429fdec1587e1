//! The handlers: each registers itself, and is a function that a test can call.

use std::sync::Arc;

use allframe_cqrs::{
    CommandError, Decision, EventStoreBackend, ExpectedVersion, Repository, command_handler,
};

use super::commands::{CloseAccount, Deposit, OpenAccount, Transfer, Withdraw};
use crate::domain::{Account, AccountEvent, Limits, Refused};

#[command_handler]
fn open_account(command: &OpenAccount, account: &Account) -> Result<Vec<AccountEvent>, Refused> {
    account.open(&command.owner)
}

#[command_handler]
fn deposit(command: &Deposit, account: &Account) -> Result<Vec<AccountEvent>, Refused> {
    account.deposit(command.amount)
}

#[command_handler]
pub(crate) fn withdraw(
    command: &Withdraw,
    account: &Account,
    limits: &Arc<Limits>,
) -> Result<Vec<AccountEvent>, Refused> {
    account.withdraw(command.amount, limits)
}

/// Two accounts are decided on at once, and both change or neither.
#[command_handler]
async fn transfer(
    command: Transfer,
    accounts: Arc<Repository<Account, Arc<dyn EventStoreBackend>>>,
    limits: Arc<Limits>,
) -> Result<Decision<AccountEvent>, CommandError> {
    if command.from == command.to {
        return Err(CommandError::rejected(Refused::SameAccount));
    }
    // count: storing
    let (from, to) = (format!("account-{}", command.from), format!("account-{}", command.to));
    let (payer, payee) = (accounts.load(&from).await?, accounts.load(&to).await?);
    // count: end
    let withdrawn = payer.aggregate.withdraw(command.amount, &limits).map_err(CommandError::rejected)?;
    let deposited = payee.aggregate.deposit(command.amount).map_err(CommandError::rejected)?;
    // count: storing
    Ok(Decision::none().append(from, ExpectedVersion::Exact(payer.version), withdrawn).append(
        to,
        ExpectedVersion::Exact(payee.version),
        deposited,
    ))
    // count: end
}

#[command_handler]
fn close_account(_command: &CloseAccount, account: &Account) -> Result<Vec<AccountEvent>, Refused> {
    account.close()
}
