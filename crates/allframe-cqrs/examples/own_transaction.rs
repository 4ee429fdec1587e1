//! A box office: the ticket is sold as an event, and the invoice is a row of a table of one's own. Both, or neither.
//!
//! ```sh
//! cargo run -p allframe-cqrs --example own_transaction --features postgres -- postgresql://localhost/app
//! ```
//!
//! The events are in the schema `box_office`, and so is the table `invoices`: where they are in one database, one transaction writes both.
//! A ticket that is sold already is refused, and so is an invoice that the table does not take. docs/postgres-schema.md has the rest.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use allframe_cqrs::{
    EventStore, EventStoreBackend as _, PostgresBackend, PostgresConfig, SchemaName,
    api::{AppendBatch, Encoding, EventType, ExpectedVersion, NewEvent, StreamId},
    event,
    tokio_postgres::{Client, Config, NoTls},
};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

const SCHEMA: &str = "box_office";
const INVOICES: &str = "CREATE TABLE IF NOT EXISTS invoices (ticket bigint PRIMARY KEY, cents bigint NOT NULL CHECK (cents > 0))";

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sold {
    cents: i64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1).context("name a database, as `postgresql://localhost/app`")?;
    let Evening { told, tickets, invoices } = an_evening(&url, SCHEMA).await?;
    told.iter().for_each(|line| println!("{line}"));
    println!("tickets sold: {tickets}, invoices: {invoices}");
    Ok(())
}

struct Evening {
    told: Vec<String>,
    tickets: usize,
    invoices: i64,
}

async fn an_evening(url: &str, schema: &str) -> anyhow::Result<Evening> {
    let config = PostgresConfig { schema: SchemaName::new(schema)?, ..PostgresConfig::default() };
    let backend = PostgresBackend::with_config(url, config).await?;
    let mut config: Config = url.parse()?;
    config.options(format!("-c search_path={schema}"));
    let (mut client, connection) = config.connect(NoTls).await?;
    let connected = tokio::spawn(connection);
    client.batch_execute(INVOICES).await?;

    let mut told = Vec::new();
    // The second is sold, and the third is for nothing, which the table does not take.
    for (ticket, cents) in [(7, 4_200), (7, 4_200), (8, 0), (9, 3_900)] {
        told.push(match sell(&backend, &mut client, ticket, cents).await {
            Ok(()) => format!("ticket {ticket} is sold"),
            Err(refused) => format!("ticket {ticket} is not sold: {refused}"),
        });
    }

    let invoices = client.query_one("SELECT count(*) FROM invoices", &[]).await?.try_get(0)?;
    let store = EventStore::<Sold, _>::with_backend(backend);
    let tickets = store.get_all_events().await?.len();
    store.backend().close().await?;
    drop(client);
    connected.await??;
    Ok(Evening { told, tickets, invoices })
}

/// Where anything is refused, the transaction is dropped, and takes with it what was written.
async fn sell(backend: &PostgresBackend, client: &mut Client, ticket: i64, cents: i64) -> anyhow::Result<()> {
    let sold = NewEvent::new(EventType::new("Sold")?, serde_json::to_string(&Sold { cents })?);
    let stream = StreamId::new(format!("ticket-{ticket}"))?;
    let batch =
        AppendBatch::single(stream, ExpectedVersion::NoStream, vec![sold.with_encoding(Encoding::JSON)]);

    let transaction = client.transaction().await?;
    let invoice = "INSERT INTO invoices VALUES ($1, $2) ON CONFLICT DO NOTHING";
    transaction.execute(invoice, &[&ticket, &cents]).await.context("there is no such invoice")?;
    // Last, since whoever wants to append waits from here on.
    backend.append_in(&transaction, batch).await?;
    transaction.commit().await?;
    backend.announce().await?;
    Ok(())
}

#[cfg(test)]
#[path = "../tests/support/schema.rs"]
mod schema;

#[cfg(test)]
mod tests {
    use super::{schema::Schema, *};

    #[tokio::test]
    async fn a_ticket_and_its_invoice_are_there_together_or_not_at_all() {
        let schema = Schema::new();
        let Evening { told, tickets, invoices } =
            an_evening(&schema::server(), schema.name.as_str()).await.unwrap();
        assert_eq!((tickets, invoices), (2, 2), "{told:?}");
        let sold: Vec<bool> = told.iter().map(|line| line.ends_with("is sold")).collect();
        assert_eq!(sold, [true, false, false, true], "{told:?}");
    }
}
