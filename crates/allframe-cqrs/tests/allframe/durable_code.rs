//! AllFrame code on its durable backend: only its `use` lines are other ones.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use allframe_cqrs::compat::{AllSourceBackend, EventStoreBackend};
use allframe_cqrs::{Aggregate, Event, EventStore, EventTypeName};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum OrderEvent {
    Placed { order_id: String },
    Shipped,
}

impl EventTypeName for OrderEvent {}
impl Event for OrderEvent {}

#[derive(Default)]
struct Order {
    shipped: bool,
}

impl Aggregate for Order {
    type Event = OrderEvent;

    fn apply_event(&mut self, event: &Self::Event) {
        match event {
            OrderEvent::Placed { .. } => self.shipped = false,
            OrderEvent::Shipped => self.shipped = true,
        }
    }
}

struct Orders<B: EventStoreBackend<OrderEvent>> {
    store: EventStore<OrderEvent, B>,
}

impl<B: EventStoreBackend<OrderEvent>> Orders<B> {
    async fn place(&self, order_id: &str) -> Result<(), String> {
        let placed = OrderEvent::Placed { order_id: order_id.to_string() };
        self.store.append(order_id, vec![placed, OrderEvent::Shipped]).await?;
        self.store.backend().flush().await?;
        Ok(())
    }

    async fn is_shipped(&self, order_id: &str) -> Result<bool, String> {
        let mut order = Order::default();
        for event in self.store.get_events(order_id).await? {
            order.apply_event(&event);
        }
        Ok(order.shipped)
    }
}

fn open(data_path: &str) -> Result<Orders<AllSourceBackend<OrderEvent>>, String> {
    let backend = AllSourceBackend::<OrderEvent>::production(data_path)?;
    Ok(Orders { store: EventStore::with_backend(backend) })
}

#[tokio::test]
async fn the_production_backend_keeps_its_events() {
    let directory = tempfile::tempdir().unwrap();
    let data_path = directory.path().to_str().unwrap();
    open(data_path).unwrap().place("order-1").await.unwrap();
    assert_eq!(open(data_path).unwrap().is_shipped("order-1").await, Ok(true));
}

#[tokio::test]
async fn a_backend_without_configuration_is_empty_and_cloned_as_a_handle() {
    let backend: AllSourceBackend<OrderEvent> = AllSourceBackend::<OrderEvent>::new().unwrap();
    let orders = Orders { store: EventStore::with_backend(backend.clone()) };
    assert_eq!(orders.is_shipped("order-1").await, Ok(false));
    orders.place("order-1").await.unwrap();
    let same: EventStore<OrderEvent, AllSourceBackend<OrderEvent>> = EventStore::with_backend(backend);
    assert_eq!(same.get_all_events().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_backend_whose_events_are_inferred_is_imported_from_the_root() {
    use allframe_cqrs::AllSourceBackend;

    async fn count(data_path: &str) -> Result<usize, String> {
        let backend = AllSourceBackend::production(data_path)?;
        let store: EventStore<OrderEvent, AllSourceBackend> = EventStore::with_backend(backend);
        store.append("order-1", vec![OrderEvent::Shipped]).await?;
        Ok(store.get_events("order-1").await?.len())
    }
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(count(directory.path().to_str().unwrap()).await, Ok(1));
}

#[tokio::test]
async fn a_path_that_cannot_be_opened_is_an_error_in_words() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = open(file.path().to_str().unwrap()).err().unwrap();
    assert!(error.contains(file.path().to_str().unwrap()), "{error}");
}

/// The one signature that could not be kept: the path stands outside of the configuration.
#[tokio::test]
async fn a_configuration_comes_after_the_path() {
    use allframe_cqrs::{AllSourceConfig, Durability};

    let directory = tempfile::tempdir().unwrap();
    let config = AllSourceConfig { durability: Durability::OsBuffered, ..AllSourceConfig::default() };
    let backend = AllSourceBackend::<OrderEvent>::with_config(directory.path(), config).unwrap();
    assert!(Orders { store: EventStore::with_backend(backend) }.place("order-1").await.is_ok());
}
