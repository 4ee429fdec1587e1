#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crate::{
    domain::Bank,
    moving::{change_over, move_store, open_bank},
    store,
};

/// Some days of a small bank.
async fn run(bank: &Bank, days: u64) {
    for day in 0..days {
        for account in ["account-7", "account-8"] {
            bank.deposit(account, 10 + day).await.unwrap();
            bank.withdraw(account, day).await.unwrap();
        }
    }
}

async fn bank_with_accounts(url: &str) -> Bank {
    let bank = Bank::on(store::open(url).await.unwrap()).await.unwrap();
    bank.open("account-7", "ann").await.unwrap();
    bank.open("account-8", "bob").await.unwrap();
    bank
}

#[tokio::test]
async fn the_bank_is_the_same_in_memory_and_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("wal:{}", directory.path().display());
    let mut balances = Vec::new();
    for url in ["memory:", &url] {
        let bank = bank_with_accounts(url).await;
        run(&bank, 20).await;
        let refused = bank.withdraw("account-7", 1_000_000).await.unwrap_err();
        assert_eq!(refused.to_string(), "there is not more than 200");
        balances.push(bank.balances().await.unwrap().of_account);
        bank.close().await.unwrap();
    }
    assert_eq!(balances[0], balances[1]);
    assert_eq!(balances[0]["account-7"], 200);
    // And it is there tomorrow.
    let bank = Bank::on(store::open(&url).await.unwrap()).await.unwrap();
    assert_eq!(bank.balances().await.unwrap().of_account, balances[1]);
    bank.close().await.unwrap();
}

#[tokio::test]
async fn a_store_that_was_moved_is_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    let [from, to] = ["old", "new"].map(|name| format!("wal:{}", directory.path().join(name).display()));
    let bank = bank_with_accounts(&from).await;
    run(&bank, 120).await;
    let before = bank.balances().await.unwrap();
    bank.close().await.unwrap();

    let report = move_store(&from, &to).await.unwrap();
    assert_eq!(report.caught_up.events, before.events);
    assert!(report.caught_up.snapshots >= 3, "of two accounts and of the read model: {report:?}");
    let bank = Bank::on(store::open(&to).await.unwrap()).await.unwrap();
    let after = bank.balances().await.unwrap();
    assert_eq!((after.of_account, after.events), (before.of_account, before.events));
    run(&bank, 1).await;
    assert_eq!(bank.balances().await.unwrap().events, before.events + 4);
    bank.close().await.unwrap();
}

/// Through all of these stores, while customers come and go: every deposit that was acknowledged is there, once.
async fn changes_over(urls: &[String]) {
    let (bank, store) = open_bank(&urls[0]).await.unwrap();
    bank.open("account-7", "ann").await.unwrap();
    let (bank, over, deposited) =
        (Arc::new(bank), Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let customers: Vec<_> = (0..3)
        .map(|_| {
            let (bank, over, deposited) = (Arc::clone(&bank), Arc::clone(&over), Arc::clone(&deposited));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    bank.deposit("account-7", 1).await.unwrap();
                    deposited.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for url in &urls[1..] {
        let before = deposited.load(Ordering::Relaxed);
        while deposited.load(Ordering::Relaxed) < before + 20 {
            tokio::task::yield_now().await;
        }
        change_over(&store, url).await.unwrap();
    }
    let before = deposited.load(Ordering::Relaxed);
    while deposited.load(Ordering::Relaxed) < before + 20 {
        tokio::task::yield_now().await;
    }
    over.store(true, Ordering::Relaxed);
    for customer in customers {
        customer.await.unwrap();
    }
    let deposited = deposited.load(Ordering::Relaxed);
    let balances = bank.balances().await.unwrap();
    assert_eq!((balances.of_account["account-7"], balances.events), (deposited, deposited + 1));
    Arc::into_inner(bank).unwrap().close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_bank_that_is_open_changes_from_memory_to_the_disk_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let wal = |name| format!("wal:{}", directory.path().join(name).display());
    changes_over(&["memory:".to_owned(), wal("first"), wal("second")]).await;
}

#[cfg(feature = "postgres")]
#[path = "../../tests/support/schema.rs"]
mod schema;

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_bank_that_is_open_changes_from_memory_to_the_disk_and_to_postgresql() {
    let directory = tempfile::tempdir().unwrap();
    let wal = format!("wal:{}", directory.path().join("data").display());
    let schema = schema::Schema::new();
    changes_over(&["memory:".to_owned(), wal, schema.url()]).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_store_on_disk_is_moved_to_postgresql_and_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    let (from, schema) = (format!("wal:{}", directory.path().display()), schema::Schema::new());
    let bank = bank_with_accounts(&from).await;
    run(&bank, 120).await;
    let before = bank.balances().await.unwrap();
    bank.close().await.unwrap();
    move_store(&from, &schema.url()).await.unwrap();
    let bank = Bank::on(store::open(&schema.url()).await.unwrap()).await.unwrap();
    assert_eq!(bank.balances().await.unwrap().of_account, before.of_account);
    run(&bank, 1).await;
    assert_eq!(bank.balances().await.unwrap().events, before.events + 4);
    bank.close().await.unwrap();
}

/// What the guide shows is what runs here.
#[test]
fn the_guide_shows_the_code_of_this_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let program: String = ["domain.rs", "store.rs", "moving.rs", "main.rs"]
        .map(|file| read(&root.join("examples/guide").join(file)))
        .concat();
    let mut shown = 0;
    for page in std::fs::read_dir(root.join("../../docs/guide")).unwrap() {
        let page = page.unwrap().path();
        let text = read(&page);
        for block in text.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            shown += 1;
            for part in block.split("// ..\n") {
                assert!(
                    program.contains(part.trim()),
                    "{} shows what is not in the program:\n{part}",
                    page.display()
                );
            }
        }
    }
    assert!(shown >= 5, "the guide shows {shown} pieces of code");
}
