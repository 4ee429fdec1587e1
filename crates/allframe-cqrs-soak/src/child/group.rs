//! Two members of one consumer group, that say what they have handled.

use std::time::Duration;

use allframe_cqrs::{
    EventFilter,
    consumer_group::{ConsumerGroup, Delivery, GroupError},
};
use anyhow::Context;
use eventstore_wal::WalBackend;

use crate::{
    bank::BankEvent,
    said::{Said, say},
    store::Store,
};

pub(crate) const GROUP: &str = "tellers";
const LEASE: Duration = Duration::from_secs(1);

pub(crate) async fn open(store: &Store) -> Result<ConsumerGroup<BankEvent, WalBackend>, GroupError> {
    store
        .consumer_group(GROUP)
        .with_filter(EventFilter::stream_prefix("account-"))
        .with_lease(LEASE)
        .with_checkpoint_every(64, Duration::from_millis(200))
        .open()
        .await
}

pub(super) async fn handle(store: Store) -> anyhow::Result<()> {
    let mut consumer = open(&store).await?.join()?;
    loop {
        let delivery = consumer.next().await?;
        let (account, version) = place(&delivery)?;
        // One in so many fails at first.
        if version % 64 == 17 && delivery.attempt() == 1 {
            delivery.nack("not at once");
            continue;
        }
        say(&Said::Handled(account, version))?;
        delivery.ack();
    }
}

pub(crate) fn place(delivery: &Delivery<BankEvent>) -> anyhow::Result<(u64, u64)> {
    let event = delivery.event();
    let account = event.stream().as_str().strip_prefix("account-").context("this is no account")?;
    Ok((account.parse()?, event.version().get()))
}
