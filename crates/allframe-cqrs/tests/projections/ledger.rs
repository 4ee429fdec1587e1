//! A small domain: what the projections of these tests are built from.

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use allframe_cqrs::{
    ApplyContext, ApplyError, EventStore, EventStoreBackend, GlobalPosition, MergeProjection, Projection,
    Recorded, event,
};
use serde::{Deserialize, Serialize};

pub(crate) const SOON: Duration = Duration::from_secs(30);

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Entry {
    Deposited {
        amount: u64,
    },
    Withdrawn {
        amount: u64,
    },
    /// What `Fragile` breaks at.
    Cursed,
}

/// What lies on every account, and how many events that took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Balances {
    pub(crate) accounts: BTreeMap<String, i64>,
    pub(crate) events: u64,
}

impl Projection for Balances {
    type Event = Entry;

    fn apply(&mut self, _event: &Entry) {
        unreachable!("the account is in the record");
    }

    fn try_apply(&mut self, event: &Recorded<Entry>, _context: &mut ApplyContext) -> Result<(), ApplyError> {
        let account = self.accounts.entry(event.stream().to_string()).or_default();
        match event.event {
            Entry::Deposited { amount } => *account += i64::try_from(amount)?,
            Entry::Withdrawn { amount } => *account -= i64::try_from(amount)?,
            Entry::Cursed => {}
        }
        self.events += 1;
        Ok(())
    }
}

impl MergeProjection for Balances {
    fn merge(&mut self, other: Self) {
        self.accounts.extend(other.accounts);
        self.events += other.events;
    }
}

/// How many events there were, and out of how many parts that was put together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parts {
    pub(crate) events: u64,
    pub(crate) parts: u64,
}

impl Projection for Parts {
    type Event = Entry;

    fn apply(&mut self, _event: &Entry) {
        self.events += 1;
        self.parts = self.parts.max(1);
    }
}

impl MergeProjection for Parts {
    fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.parts += other.parts;
    }
}

/// Sums up, and breaks at a cursed event, leaving itself half changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Fragile {
    pub(crate) sum: u64,
    pub(crate) seen: Vec<u64>,
}

/// How `Fragile` takes a cursed event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curse {
    Panics,
    Fails,
    IsLifted,
}

thread_local! {
    /// Of the test on this thread, and all its tasks: a projection's state is what its events come to, and nothing else.
    static CURSE: Cell<Curse> = const { Cell::new(Curse::Fails) };
}

impl Curse {
    pub(crate) fn set(self) {
        CURSE.set(self);
    }
}

impl Projection for Fragile {
    type Event = Entry;

    fn apply(&mut self, _event: &Entry) {
        unreachable!("it wants to fail");
    }

    fn try_apply(&mut self, event: &Recorded<Entry>, _context: &mut ApplyContext) -> Result<(), ApplyError> {
        self.seen.push(event.position().get());
        match event.event {
            Entry::Deposited { amount } => self.sum += amount,
            Entry::Withdrawn { amount } => self.sum -= amount,
            Entry::Cursed => match CURSE.get() {
                Curse::IsLifted => self.sum += 1_000,
                Curse::Panics => panic!("a curse"),
                Curse::Fails => return Err("a curse".into()),
            },
        }
        Ok(())
    }
}

pub(crate) async fn deposit<B: EventStoreBackend>(
    store: &EventStore<Entry, B>,
    account: &str,
    amount: u64,
) -> GlobalPosition {
    append(store, account, Entry::Deposited { amount }).await
}

pub(crate) async fn append<B: EventStoreBackend>(
    store: &EventStore<Entry, B>,
    account: &str,
    entry: Entry,
) -> GlobalPosition {
    store.append(account, vec![entry]).await.unwrap().last_position
}

/// Many events on some accounts, and what they come to.
pub(crate) async fn fill<B: EventStoreBackend>(store: &EventStore<Entry, B>, events: u64) -> Balances {
    let mut expected = Balances { events, ..Balances::default() };
    let mut batch = store.batch();
    let mut streams: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for number in 0..events {
        let account = format!("account-{}", number % 17);
        let (entry, change) = match number % 3 {
            0 => (Entry::Withdrawn { amount: number }, -i64::try_from(number).unwrap()),
            _ => (Entry::Deposited { amount: number }, i64::try_from(number).unwrap()),
        };
        *expected.accounts.entry(account.clone()).or_default() += change;
        streams.entry(account).or_default().push(entry);
    }
    for (account, entries) in streams {
        batch = batch.append(account, allframe_cqrs::ExpectedVersion::Any, entries);
    }
    batch.commit().await.unwrap();
    expected
}
