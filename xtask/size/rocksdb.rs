#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).ok_or("name a directory")?;
    bank(EventStore::with_backend(allframe_cqrs::RocksDbBackend::open(directory)?)).await
}
