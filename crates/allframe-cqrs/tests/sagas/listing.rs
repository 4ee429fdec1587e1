//! What is known of sagas that cannot be read.

use allframe_cqrs::{
    EventStore, EventStoreBackend as _, ExpectedVersion, StreamId,
    api::{EventType, NewEvent},
    saga::Sagas,
};

use crate::trips::Nothing;

#[tokio::test]
async fn a_type_is_known_of_which_no_saga_can_be_read() {
    let store = EventStore::<Nothing>::new();
    for (stream, event_type) in [
        ("saga-trip-a-b", "$saga.started"),
        ("saga-flight-", "$saga.started"),
        ("saga-hotel-1", "$saga.worker"),
        ("saga-car-1", "Other"),
    ] {
        let event = NewEvent::new(EventType::new(event_type).unwrap(), "nonsense");
        let stream = StreamId::new(stream).unwrap();
        store.backend().append(&stream, ExpectedVersion::NoStream, vec![event]).await.unwrap();
    }
    let sagas = Sagas::of(&store);
    assert!(sagas.list(|_| true).await.unwrap().is_empty());
    assert!(sagas.has_type("trip").await.unwrap());
    // Neither a part of a name, nor one that is no name, nor what no saga is made of.
    for none in ["tri", "trips", "trip-a", "", "flight", "hotel", "car"] {
        assert!(!sagas.has_type(none).await.unwrap(), "{none}");
    }
}
