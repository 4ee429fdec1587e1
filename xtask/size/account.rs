#[derive(Default)]
struct Account {
    owner: String,
    balance: u64,
}

impl Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { owner } => owner.clone_into(&mut self.owner),
            AccountEvent::Deposited { amount } => self.balance += amount,
            AccountEvent::Withdrawn { amount } => self.balance -= amount,
        }
    }

    fn withdraw(&self, amount: u64) -> Result<Vec<AccountEvent>, String> {
        match self.balance.checked_sub(amount) {
            Some(_) => Ok(vec![AccountEvent::Withdrawn { amount }]),
            None => Err(format!("{amount} is more than the {} of {}", self.balance, self.owner)),
        }
    }
}
