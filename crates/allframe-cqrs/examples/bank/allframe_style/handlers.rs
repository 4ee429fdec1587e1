//! The handlers, each a type of its own with what it needs as fields, which checks its command and stores what it decides.

use std::sync::Arc;

use allframe_cqrs::{CommandError, CommandHandler, CommandResult, ValidationError, async_trait};

use super::{
    commands::{CloseAccount, Deposit, OpenAccount, Transfer, Withdraw},
    storage::{Accounts, refused},
};
use crate::domain::{AccountEvent, Limits, Refused};

// count: registration
pub(crate) struct OpenAccountHandler {
    pub(crate) accounts: Accounts,
}

#[async_trait]
impl CommandHandler<OpenAccount, AccountEvent> for OpenAccountHandler {
    // count: end
    async fn handle(&self, command: OpenAccount) -> CommandResult<AccountEvent> {
        // count: validation
        let mut errors = Vec::new();
        if command.account < 1 {
            errors.push(ValidationError::with_code("account", "must be at least 1", "minimum"));
        }
        if command.owner.chars().count() < 2 {
            errors.push(ValidationError::with_code("owner", "must have at least 2 characters", "minLength"));
        }
        if command.owner.chars().count() > 40 {
            errors.push(ValidationError::with_code("owner", "must have at most 40 characters", "maxLength"));
        }
        if !errors.is_empty() {
            return Err(CommandError::Validation(errors));
        }
        // count: end
        // count: storing
        let account = self.accounts.load(command.account).await?;
        // count: end
        let events = account.open(&command.owner).map_err(refused)?;
        // count: storing
        self.accounts.store(command.account, &events).await?;
        // count: end
        Ok(events)
    }
    // count: registration
}
// count: end

// count: registration
pub(crate) struct DepositHandler {
    pub(crate) accounts: Accounts,
}

#[async_trait]
impl CommandHandler<Deposit, AccountEvent> for DepositHandler {
    // count: end
    async fn handle(&self, command: Deposit) -> CommandResult<AccountEvent> {
        // count: validation
        let mut errors = Vec::new();
        if command.account < 1 {
            errors.push(ValidationError::with_code("account", "must be at least 1", "minimum"));
        }
        if command.amount < 1 {
            errors.push(ValidationError::with_code("amount", "must be at least 1", "minimum"));
        }
        if command.amount > 1_000_000 {
            errors.push(ValidationError::with_code("amount", "must be at most 1000000", "maximum"));
        }
        if !errors.is_empty() {
            return Err(CommandError::Validation(errors));
        }
        // count: end
        // count: storing
        let account = self.accounts.load(command.account).await?;
        // count: end
        let events = account.deposit(command.amount).map_err(refused)?;
        // count: storing
        self.accounts.store(command.account, &events).await?;
        // count: end
        Ok(events)
    }
    // count: registration
}
// count: end

// count: registration
pub(crate) struct WithdrawHandler {
    pub(crate) accounts: Accounts,
    pub(crate) limits: Arc<Limits>,
}

#[async_trait]
impl CommandHandler<Withdraw, AccountEvent> for WithdrawHandler {
    // count: end
    async fn handle(&self, command: Withdraw) -> CommandResult<AccountEvent> {
        // count: validation
        let mut errors = Vec::new();
        if command.account < 1 {
            errors.push(ValidationError::with_code("account", "must be at least 1", "minimum"));
        }
        if command.amount < 1 {
            errors.push(ValidationError::with_code("amount", "must be at least 1", "minimum"));
        }
        if command.amount > 1_000_000 {
            errors.push(ValidationError::with_code("amount", "must be at most 1000000", "maximum"));
        }
        if !errors.is_empty() {
            return Err(CommandError::Validation(errors));
        }
        // count: end
        // count: storing
        let account = self.accounts.load(command.account).await?;
        // count: end
        let events = account.withdraw(command.amount, &self.limits).map_err(refused)?;
        // count: storing
        self.accounts.store(command.account, &events).await?;
        // count: end
        Ok(events)
    }
    // count: registration
}
// count: end

// count: registration
pub(crate) struct TransferHandler {
    pub(crate) accounts: Accounts,
    pub(crate) limits: Arc<Limits>,
}

#[async_trait]
impl CommandHandler<Transfer, AccountEvent> for TransferHandler {
    // count: end
    async fn handle(&self, command: Transfer) -> CommandResult<AccountEvent> {
        // count: validation
        let mut errors = Vec::new();
        if command.from < 1 {
            errors.push(ValidationError::with_code("from", "must be at least 1", "minimum"));
        }
        if command.to < 1 {
            errors.push(ValidationError::with_code("to", "must be at least 1", "minimum"));
        }
        if command.amount < 1 {
            errors.push(ValidationError::with_code("amount", "must be at least 1", "minimum"));
        }
        if command.amount > 1_000_000 {
            errors.push(ValidationError::with_code("amount", "must be at most 1000000", "maximum"));
        }
        if !errors.is_empty() {
            return Err(CommandError::Validation(errors));
        }
        // count: end
        if command.from == command.to {
            return Err(refused(Refused::SameAccount));
        }
        // count: storing
        let payer = self.accounts.load(command.from).await?;
        let payee = self.accounts.load(command.to).await?;
        // count: end
        let mut events = payer.withdraw(command.amount, &self.limits).map_err(refused)?;
        let deposited = payee.deposit(command.amount).map_err(refused)?;
        // What ends between the two lines loses the money.
        // count: storing
        self.accounts.store(command.from, &events).await?;
        self.accounts.store(command.to, &deposited).await?;
        // count: end
        events.extend(deposited);
        Ok(events)
    }
    // count: registration
}
// count: end

// count: registration
pub(crate) struct CloseAccountHandler {
    pub(crate) accounts: Accounts,
}

#[async_trait]
impl CommandHandler<CloseAccount, AccountEvent> for CloseAccountHandler {
    // count: end
    async fn handle(&self, command: CloseAccount) -> CommandResult<AccountEvent> {
        // count: validation
        let mut errors = Vec::new();
        if command.account < 1 {
            errors.push(ValidationError::with_code("account", "must be at least 1", "minimum"));
        }
        if !errors.is_empty() {
            return Err(CommandError::Validation(errors));
        }
        // count: end
        // count: storing
        let account = self.accounts.load(command.account).await?;
        // count: end
        let events = account.close().map_err(refused)?;
        // count: storing
        self.accounts.store(command.account, &events).await?;
        // count: end
        Ok(events)
    }
    // count: registration
}
// count: end
