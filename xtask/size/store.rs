// An application without a bus: it appends and reads.

use allframe_cqrs::EventStore;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = EventStore::new();
    let events = vec![AccountEvent::Opened { owner: "ann".into() }, AccountEvent::Deposited { amount: 100 }];
    store.append("account-7", events).await?;
    store.append("account-7", vec![AccountEvent::Withdrawn { amount: 30 }]).await?;
    for event in store.get_events("account-7").await? {
        println!("{event:?}");
    }
    Ok(())
}
