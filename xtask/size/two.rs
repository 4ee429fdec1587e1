use allframe_cqrs::EventStore;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    one::bank(EventStore::new()).await?;
    another::bank(EventStore::new()).await
}
