// tokio-postgres, its pool and serde_json: a table of events, three of them appended in a transaction, and read.

use deadpool_postgres::{Manager, Pool};
use tokio_postgres::NoTls;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("name a database by its URL")?;
    let pool = Pool::builder(Manager::new(url.parse()?, NoTls)).max_size(4).build()?;
    let mut client = pool.get().await?;
    client
        .batch_execute("CREATE TEMPORARY TABLE events (version bigint PRIMARY KEY, stream text, payload text)")
        .await?;

    let transaction = client.transaction().await?;
    let insert = transaction.prepare_cached("INSERT INTO events VALUES ($1, $2, $3)").await?;
    let events = [
        AccountEvent::Opened { owner: "ann".into() },
        AccountEvent::Deposited { amount: 100 },
        AccountEvent::Withdrawn { amount: 30 },
    ];
    for (version, event) in (1_i64..).zip(&events) {
        transaction.execute(&insert, &[&version, &"account-7", &serde_json::to_string(event)?]).await?;
    }
    transaction.commit().await?;

    let select = "SELECT payload FROM events WHERE stream = $1 ORDER BY version";
    for row in client.query(select, &[&"account-7"]).await? {
        let event: AccountEvent = serde_json::from_str(row.try_get(0)?)?;
        println!("{event:?}");
    }
    Ok(())
}
