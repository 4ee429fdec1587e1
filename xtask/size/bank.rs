// An application as small as one is: it appends, takes one command through a bus, and reads.

use allframe_cqrs::{command, command_handler, Aggregate, CommandBus, EventStore, EventStoreBackend};

#[derive(Clone, Default)]
pub(crate) struct Account {
    owner: String,
    balance: u64,
}

impl Aggregate for Account {
    type Event = AccountEvent;

    fn apply_event(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { owner } => owner.clone_into(&mut self.owner),
            AccountEvent::Deposited { amount } => self.balance += amount,
            AccountEvent::Withdrawn { amount } => self.balance -= amount,
        }
    }
}

#[command(stream = "account-{account}")]
pub(crate) struct Withdraw {
    account: u32,
    amount: u64,
}

#[command_handler]
fn withdraw(command: &Withdraw, account: &Account) -> Result<Vec<AccountEvent>, String> {
    let amount = command.amount;
    match account.balance.checked_sub(amount) {
        Some(_) => Ok(vec![AccountEvent::Withdrawn { amount }]),
        None => Err(format!("{amount} is more than the {} of {}", account.balance, account.owner)),
    }
}

pub(crate) async fn bank<B: EventStoreBackend + 'static>(
    store: EventStore<AccountEvent, B>,
) -> Result<(), Box<dyn std::error::Error>> {
    let events = vec![AccountEvent::Opened { owner: "ann".into() }, AccountEvent::Deposited { amount: 100 }];
    store.append("account-7", events).await?;

    let bus = CommandBus::builder(store.clone()).discover().build()?;
    for amount in [30, 500] {
        match bus.dispatch(Withdraw { account: 7, amount }).await {
            Ok(done) => println!("withdrawn: {:?}", done.position),
            Err(refused) => println!("refused: {refused}"),
        }
    }

    for event in store.get_events("account-7").await? {
        println!("{event:?}");
    }
    Ok(())
}

