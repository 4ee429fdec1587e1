//! What is known of instances that cannot be read.

use allframe_cqrs::{
    EventStore, EventStoreBackend as _, ExpectedVersion, StreamId,
    api::{EventType, NewEvent},
    process::Instances,
};

use crate::shop::OrderEvent;

#[tokio::test]
async fn a_process_manager_is_known_of_which_no_instance_can_be_read() {
    let store = EventStore::<OrderEvent>::new();
    for (stream, event_type) in [
        ("process-shipping-7-8", "$process.reacted"),
        ("process-payment-", "$process.reacted"),
        ("process-mail-7", "Other"),
    ] {
        let event = NewEvent::new(EventType::new(event_type).unwrap(), "nonsense");
        let stream = StreamId::new(stream).unwrap();
        store.backend().append(&stream, ExpectedVersion::NoStream, vec![event]).await.unwrap();
    }
    let instances = Instances::of(&store);
    assert!(instances.list(|_| true).await.unwrap().is_empty());
    assert!(instances.has_process("shipping").await.unwrap());
    // Neither a part of a name, nor one that is no name, nor what no instance is made of.
    for none in ["ship", "shippings", "shipping-7", "", "payment", "mail"] {
        assert!(!instances.has_process(none).await.unwrap(), "{none}");
    }
}
