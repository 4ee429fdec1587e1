#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("name a database by its URL")?;
    bank(EventStore::with_backend(allframe_cqrs::PostgresBackend::connect(&url).await?)).await
}
