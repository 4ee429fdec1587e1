//! One bank, in memory, in a directory, and on PostgreSQL: the program of docs/guide.
//!
//! ```sh
//! cargo run -p allframe-cqrs --example guide --features wal,migrate                          # in memory, then on disk
//! cargo run -p allframe-cqrs --example guide --features wal,migrate,postgres -- postgresql://localhost/app
//! ```

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

mod domain;
mod moving;
mod store;

use allframe_cqrs::EventStoreBackend as _;

use crate::moving::{change_over, move_store, open_bank};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let [data, copy] = ["data", "copy"].map(|name| format!("wal:{}", directory.path().join(name).display()));
    let (bank, store) = open_bank("memory:").await?;

    bank.open("account-7", "ann").await?;
    bank.deposit("account-7", 100).await?;
    println!("in memory: {:?}", bank.balances().await?.of_account);

    change_over(&store, &data).await?;
    bank.withdraw("account-7", 30).await?;
    println!("on disk: {:?}", bank.balances().await?.of_account);

    let mut last = data;
    if let Some(url) = std::env::args().nth(1) {
        change_over(&store, &url).await?;
        bank.deposit("account-7", 1).await?;
        println!("on PostgreSQL: {:?}", bank.balances().await?.of_account);
        last = url;
    }
    bank.close().await?;
    store.close().await?;
    println!("a copy: {}", move_store(&last, &copy).await?);
    Ok(())
}

#[cfg(test)]
mod tests;
