//! An application as it is written against AllFrame 0.1.28: only its `use` lines are other ones.
//!
//! What it does with the crate is the test: that all of it compiles, and does what it did.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use allframe_cqrs::compat::{EventStoreBackend, InMemoryBackend};
use allframe_cqrs::{
    Aggregate, Command, CommandError, CommandHandler, CommandResult, Event, EventStore, EventTypeName,
    Projection, ProjectionRegistry, Query, QueryError, QueryHandler, QueryResult, Snapshot, ValidationError,
    async_trait,
};
use allframe_cqrs::{command, command_handler, event, query, query_handler};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

// Events, declared by hand as AllFrame's own tests do.

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum OrderEvent {
    Placed { order_id: String, customer: String },
    ItemAdded { sku: String, quantity: u32 },
    Shipped,
    Cancelled(String),
}

impl EventTypeName for OrderEvent {}
impl Event for OrderEvent {}

fn placed(order_id: &str, customer: &str) -> OrderEvent {
    OrderEvent::Placed { order_id: order_id.to_string(), customer: customer.to_string() }
}

fn item(sku: &str, quantity: u32) -> OrderEvent {
    OrderEvent::ItemAdded { sku: sku.to_string(), quantity }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Archived {
    order_id: String,
}

impl EventTypeName for Archived {
    fn event_type_name() -> &'static str {
        "order.archived"
    }
}

impl Event for Archived {}

// The write side.

#[command]
#[derive(Clone)]
struct PlaceOrder {
    order_id: String,
    customer: String,
}

#[command_handler]
async fn place_order(command: PlaceOrder, store: &EventStore<OrderEvent>) -> Result<(), String> {
    if command.customer.is_empty() {
        return Err("a customer is needed".to_string());
    }
    store.append(&command.order_id, vec![placed(&command.order_id, &command.customer)]).await?;
    Ok(())
}

#[command]
struct AddItems {
    sku: String,
    quantity: u32,
}

#[command_handler]
async fn add_items(command: AddItems) -> Result<Vec<OrderEvent>, String> {
    if command.quantity == 0 {
        return Err("at least one".to_string());
    }
    Ok(vec![item(&command.sku, command.quantity)])
}

#[command]
struct Count {
    amount: i32,
}

#[command_handler]
async fn count(command: Count, counter: Arc<Mutex<i32>>) -> Result<Vec<OrderEvent>, String> {
    *counter.lock().unwrap() += command.amount;
    Ok(vec![])
}

#[command_handler]
fn count_at_once(command: Count) -> Vec<OrderEvent> {
    vec![item("count", command.amount.unsigned_abs())]
}

struct CancelOrder {
    reason: String,
}

impl Command for CancelOrder {}

struct CancelOrderHandler;

#[async_trait]
impl CommandHandler<CancelOrder, OrderEvent> for CancelOrderHandler {
    async fn handle(&self, command: CancelOrder) -> CommandResult<OrderEvent> {
        match command.reason.as_str() {
            "" => Err(CommandError::Validation(vec![
                ValidationError::new("reason", "must not be empty"),
                ValidationError::with_code("reason", "must say why", "reason_missing"),
            ])),
            "shipped" => Err(CommandError::BusinessLogic("it is on its way".to_string())),
            "twice" => Err(CommandError::AlreadyExecuted("order-1".to_string())),
            "broken" => Err(CommandError::Internal("no idea".to_string())),
            reason => Ok(vec![OrderEvent::Cancelled(reason.to_string())]),
        }
    }
}

// The read side.

#[derive(Clone, Debug, PartialEq)]
struct Order {
    customer: String,
    items: u32,
    open: bool,
}

struct OrderBook {
    orders: HashMap<String, Order>,
    last: String,
}

impl OrderBook {
    fn new() -> Self {
        Self { orders: HashMap::new(), last: String::new() }
    }
}

impl Projection for OrderBook {
    type Event = OrderEvent;

    fn apply(&mut self, event: &Self::Event) {
        match event {
            OrderEvent::Placed { order_id, customer } => {
                self.last = order_id.clone();
                let order = Order { customer: customer.clone(), items: 0, open: true };
                self.orders.insert(order_id.clone(), order);
            }
            OrderEvent::ItemAdded { quantity, .. } => {
                if let Some(order) = self.orders.get_mut(&self.last) {
                    order.items += quantity;
                }
            }
            OrderEvent::Shipped | OrderEvent::Cancelled(_) => {
                if let Some(order) = self.orders.get_mut(&self.last) {
                    order.open = false;
                }
            }
        }
    }
}

#[query]
struct GetOrder {
    order_id: String,
}

#[query_handler]
async fn get_order(query: GetOrder, book: &OrderBook) -> Option<Order> {
    book.orders.get(&query.order_id).cloned()
}

struct OpenOrders;

impl Query for OpenOrders {}

struct OpenOrdersHandler {
    book: OrderBook,
}

#[async_trait]
impl QueryHandler<OpenOrders, usize> for OpenOrdersHandler {
    async fn handle(&self, _query: OpenOrders) -> QueryResult<usize> {
        if self.book.orders.is_empty() {
            return Err(QueryError::Internal("the book is empty".to_string()));
        }
        Ok(self.book.orders.values().filter(|order| order.open).count())
    }
}

#[derive(Default, Clone)]
struct OrderAggregate {
    items: u32,
    cancelled: bool,
    version: u64,
}

impl Aggregate for OrderAggregate {
    type Event = OrderEvent;

    fn apply_event(&mut self, event: &Self::Event) {
        self.version += 1;
        match event {
            OrderEvent::ItemAdded { quantity, .. } => self.items += quantity,
            OrderEvent::Cancelled(_) => self.cancelled = true,
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_store_whose_event_type_is_inferred_appends_and_reads() {
    let store = EventStore::new();
    store.append("order-1", vec![placed("order-1", "ann"), item("tea", 2)]).await.unwrap();
    let events = store.get_events("order-1").await.unwrap();
    assert_eq!(events.len(), 2);
    let mut aggregate = OrderAggregate::default();
    for event in events {
        aggregate.apply_event(&event);
    }
    assert_eq!(aggregate.items, 2);
}

#[tokio::test]
async fn a_command_goes_through_the_store_into_a_projection_that_answers_a_query() {
    let store = EventStore::new();
    let command = PlaceOrder { order_id: "order-1".to_string(), customer: "ann".to_string() };
    place_order(command.clone(), &store).await.unwrap();
    let events = add_items(AddItems { sku: "tea".to_string(), quantity: 3 }).await.unwrap();
    store.append(&command.order_id, events).await.unwrap();

    let mut book = OrderBook::new();
    for event in store.get_events(&command.order_id).await.unwrap() {
        book.apply(&event);
    }
    let order = get_order(GetOrder { order_id: "order-1".to_string() }, &book).await;
    assert_eq!(order, Some(Order { customer: "ann".to_string(), items: 3, open: true }));
}

#[tokio::test]
async fn commands_that_are_refused_answer_with_their_text() {
    let store = EventStore::new();
    let nobody = PlaceOrder { order_id: "order-1".to_string(), customer: String::new() };
    assert_eq!(place_order(nobody, &store).await.unwrap_err(), "a customer is needed");
    let none = AddItems { sku: "tea".to_string(), quantity: 0 };
    assert_eq!(add_items(none).await.unwrap_err(), "at least one");
}

#[tokio::test]
async fn an_error_of_the_store_becomes_text_behind_a_question_mark() {
    async fn history(store: &EventStore<OrderEvent>, order_id: &str) -> Result<usize, String> {
        let events = store.get_events(order_id).await?;
        let later = store.get_events_after(order_id, 1).await?;
        Ok(events.len() + later.len() + store.get_all_events().await?.len())
    }
    let store = EventStore::new();
    store.append("order-1", vec![placed("order-1", "ann"), OrderEvent::Shipped]).await.unwrap();
    assert_eq!(history(&store, "order-1").await, Ok(5));
    assert_eq!(history(&store, "").await, Err("the stream id is empty".to_string()));
}

#[tokio::test]
async fn handlers_take_what_else_they_need_and_may_be_plain_functions() {
    let counter = Arc::new(Mutex::new(0));
    count(Count { amount: 1 }, counter.clone()).await.unwrap();
    count(Count { amount: 2 }, counter.clone()).await.unwrap();
    assert_eq!(*counter.lock().unwrap(), 3);
    assert_eq!(count_at_once(Count { amount: 4 }), [item("count", 4)]);
}

#[tokio::test]
async fn handlers_written_as_types_answer_with_every_kind_of_error() {
    let cancel = |reason: &str| CancelOrderHandler.handle(CancelOrder { reason: reason.to_string() });
    assert_eq!(cancel("too late").await.unwrap(), [OrderEvent::Cancelled("too late".to_string())]);
    let Err(CommandError::Validation(errors)) = cancel("").await else { panic!("not refused") };
    assert_eq!((errors[0].field.as_str(), errors[0].code.as_str()), ("reason", "validation_failed"));
    assert_eq!((errors[1].message.as_str(), errors[1].code.as_str()), ("must say why", "reason_missing"));
    assert!(matches!(cancel("shipped").await, Err(CommandError::BusinessLogic(why)) if why.contains("way")));
    assert!(matches!(cancel("twice").await, Err(CommandError::AlreadyExecuted(_))));
    assert!(matches!(cancel("broken").await, Err(CommandError::Internal(_))));

    let handler = OpenOrdersHandler { book: OrderBook::new() };
    assert!(matches!(handler.handle(OpenOrders).await, Err(QueryError::Internal(_))));
    let mut handler = handler;
    handler.book.apply(&placed("order-1", "ann"));
    assert_eq!(handler.handle(OpenOrders).await.unwrap(), 1);
    let _: QueryError = QueryError::NotFound("OpenOrders".to_string());
    let _: CommandError = CommandError::NotFound("CancelOrder".to_string());
}

#[tokio::test]
async fn a_snapshot_saves_replaying_what_came_before_it() {
    let store = EventStore::new();
    store.append("order-1", vec![item("tea", 1); 1_000]).await.unwrap();
    let mut aggregate = OrderAggregate::default();
    for event in store.get_events("order-1").await.unwrap() {
        aggregate.apply_event(&event);
    }
    let snapshot = Snapshot::create(aggregate.clone(), 1000);
    assert_eq!(snapshot.version, aggregate.version);
    store.append("order-1", vec![OrderEvent::Cancelled("no tea".to_string())]).await.unwrap();

    let version = snapshot.version;
    let mut rebuilt = snapshot.into_aggregate();
    for event in store.get_events_after("order-1", version).await.unwrap() {
        rebuilt.apply_event(&event);
    }
    assert_eq!((rebuilt.version, rebuilt.items, rebuilt.cancelled), (1_001, 1_000, true));
}

#[tokio::test]
async fn a_subscriber_receives_events_through_its_channel() {
    let store = EventStore::new();
    let (tx, mut rx) = mpsc::channel(10);
    let _ = store.subscribe(tx).await;
    store.append("order-1", vec![placed("order-1", "ann")]).await.unwrap();
    assert_eq!(rx.recv().await, Some(placed("order-1", "ann")));
}

#[tokio::test]
async fn a_subscription_may_be_awaited_as_a_statement() {
    let store = EventStore::new();
    let (tx, mut rx) = mpsc::channel(10);
    #[allow(unused_must_use, reason = "AllFrame's `subscribe` answers nothing")]
    {
        store.subscribe(tx).await;
    }
    store.append("order-1", vec![OrderEvent::Shipped]).await.unwrap();
    assert!(rx.recv().await.is_some());
}

struct Service<B: EventStoreBackend<OrderEvent>> {
    store: EventStore<OrderEvent, B>,
}

impl<B: EventStoreBackend<OrderEvent>> Service<B> {
    async fn ship(&self, order_id: &str) -> Result<(), String> {
        self.store.append(order_id, vec![OrderEvent::Shipped]).await?;
        self.store.backend().flush().await?;
        Ok(())
    }
}

async fn count_events<E: Event, B: EventStoreBackend<E>>(store: &EventStore<E, B>) -> usize {
    store.get_all_events().await.unwrap().len()
}

#[tokio::test]
async fn backends_are_named_with_the_events_they_hold() {
    let backend = InMemoryBackend::<OrderEvent>::new();
    let service = Service { store: EventStore::with_backend(backend.clone()) };
    service.ship("order-1").await.unwrap();
    let same: EventStore<OrderEvent, InMemoryBackend<OrderEvent>> = EventStore::with_backend(backend);
    assert_eq!(count_events(&same).await, 1);

    let other: EventStore<OrderEvent> = EventStore::default();
    assert_eq!(count_events(&other.clone()).await, 0);
}

#[tokio::test]
async fn a_backend_whose_events_are_inferred_is_imported_from_the_root() {
    use allframe_cqrs::InMemoryBackend;

    let backend = InMemoryBackend::new();
    let store: EventStore<OrderEvent, InMemoryBackend> = EventStore::with_backend(backend);
    let _: &InMemoryBackend = store.backend();
    assert_eq!(count_events(&store).await, 0);
}

#[tokio::test]
async fn a_name_chosen_by_hand_is_the_stored_name() {
    let store = EventStore::new();
    store.append("order-1", vec![Archived { order_id: "order-1".to_string() }]).await.unwrap();
    let events = store.get_all_events().await.unwrap();
    assert_eq!(events.first().map(|event| event.order_id.as_str()), Some("order-1"));
    assert_eq!(Archived::event_type_name(), "order.archived");
    assert_eq!(OrderEvent::event_type_name(), "OrderEvent");
}

// What the macros make, above and below the derives, as AllFrame's macro tests have it.

#[derive(Clone, Debug, Serialize, Deserialize)]
#[event]
enum InvoiceEvent {
    Created { id: String, total: u64 },
    Paid { id: String },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[event]
struct ReminderSent {
    id: String,
}

#[test]
fn the_macros_implement_the_traits_and_leave_the_types_usable() {
    fn assert_event<T: Event>() {}
    fn assert_command<T: Command>() {}
    fn assert_query<T: Query>() {}
    assert_event::<InvoiceEvent>();
    assert_event::<ReminderSent>();
    assert_command::<PlaceOrder>();
    assert_query::<GetOrder>();
    assert_eq!(InvoiceEvent::event_type_name(), "InvoiceEvent");
    assert_eq!(ReminderSent::event_type_name(), "ReminderSent");
    let (created, paid) =
        (InvoiceEvent::Created { id: "1".to_string(), total: 5 }, InvoiceEvent::Paid { id: "1".to_string() });
    assert!(matches!(created, InvoiceEvent::Created { id, total: 5 } if id == "1"));
    assert!(matches!(paid, InvoiceEvent::Paid { id } if id == "1"));
    assert_eq!(ReminderSent { id: "1".to_string() }.id, "1");
}

#[tokio::test]
async fn items_inside_functions_take_the_macros_too() {
    #[command]
    struct CloseOrder {
        order_id: String,
    }

    #[query]
    struct IsOpen;

    #[command_handler]
    async fn close(command: CloseOrder) -> Result<Vec<OrderEvent>, CommandError> {
        Ok(vec![OrderEvent::Cancelled(command.order_id)])
    }

    #[query_handler]
    async fn is_open(_query: IsOpen) -> Result<bool, String> {
        Ok(true)
    }

    assert_eq!(close(CloseOrder { order_id: "order-1".to_string() }).await.unwrap().len(), 1);
    assert_eq!(is_open(IsOpen).await, Ok(true));
}

// The registry of projections, used as AllFrame's own tests do.

#[derive(Clone, Default)]
struct Shipments {
    shipped: u64,
}

impl Projection for Shipments {
    type Event = OrderEvent;

    fn apply(&mut self, event: &OrderEvent) {
        if *event == OrderEvent::Shipped {
            self.shipped += 1;
        }
    }
}

#[tokio::test]
async fn a_registry_tells_what_it_holds_and_where_it_is() {
    let store = EventStore::new();
    store.append("order-1", vec![placed("order-1", "ann"), OrderEvent::Shipped]).await.unwrap();
    let registry = ProjectionRegistry::new(store.clone());
    registry.register("shipments", Shipments::default()).await.unwrap();
    assert_eq!(registry.count().await, 1);
    assert!(registry.get_metadata("invoices").await.is_none());

    registry.start_subscription().await.unwrap();
    let before = registry.get_metadata("shipments").await.unwrap();
    assert_eq!((before.name.as_str(), before.position.version, before.rebuilding), ("shipments", 2, false));

    store.append("order-2", vec![OrderEvent::Shipped]).await.unwrap();
    registry.clone().start_subscription().await.unwrap();
    let all = registry.get_all_metadata().await;
    assert_eq!(all.iter().map(|it| it.position.version).collect::<Vec<_>>(), [3]);
}
