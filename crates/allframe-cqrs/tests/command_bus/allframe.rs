//! The bus as code for AllFrame 0.1.28 uses it.

use allframe_cqrs::compat::CommandBus;
use allframe_cqrs::{
    Command, CommandError, CommandHandler, CommandResult, Event, EventTypeName, ValidationError, async_trait,
};

#[derive(Clone, serde::Serialize, serde::Deserialize)]
enum TestEvent {
    UserCreated { id: String },
}

impl EventTypeName for TestEvent {}
impl Event for TestEvent {}

struct CreateUser {
    email: String,
}

impl Command for CreateUser {}

struct CreateUserHandler;

#[async_trait]
impl CommandHandler<CreateUser, TestEvent> for CreateUserHandler {
    async fn handle(&self, command: CreateUser) -> CommandResult<TestEvent> {
        if command.email.is_empty() {
            return Err(CommandError::Validation(vec![ValidationError::new("email", "Email is required")]));
        }
        Ok(vec![TestEvent::UserCreated { id: command.email }])
    }
}

fn create(email: &str) -> CreateUser {
    CreateUser { email: email.to_string() }
}

#[tokio::test]
async fn events_are_handed_back_for_their_caller_to_store() {
    let bus = CommandBus::new();
    bus.register(CreateUserHandler).await.unwrap();
    assert_eq!(bus.handlers_count().await, 1);
    let events: Vec<TestEvent> = bus.dispatch(create("ann")).await.unwrap();
    let store = allframe_cqrs::EventStore::new();
    store.append("user-1", events).await.unwrap();
    let result = bus.dispatch(create("ann")).await;
    assert_eq!(result.unwrap().len(), 1);
    let result = bus.dispatch(create("")).await;
    assert!(matches!(result, Err(CommandError::Validation(errors)) if errors[0].field == "email"));
}

#[tokio::test]
async fn a_bus_without_handlers_finds_none() {
    let bus: CommandBus<TestEvent> = CommandBus::default();
    assert!(matches!(bus.dispatch(create("ann")).await, Err(CommandError::NotFound(_))));
}

/// These commands are not `Serialize`: nothing tells one from the other.
#[tokio::test]
async fn a_key_gives_the_first_events_again() {
    let bus = CommandBus::new();
    bus.register(CreateUserHandler).await.unwrap();
    let first = bus.dispatch_idempotent(create("ann"), "key1".to_string()).await.unwrap();
    let second = bus.dispatch_idempotent(create("bob"), "key1".to_string()).await.unwrap();
    let TestEvent::UserCreated { id } = &second[0];
    assert_eq!((first.len(), second.len(), id.as_str()), (1, 1, "ann"));
    let other = bus.dispatch_idempotent(create("bob"), "key2".to_string()).await.unwrap();
    let TestEvent::UserCreated { id } = &other[0];
    assert_eq!(id, "bob");
}

#[tokio::test]
async fn a_second_handler_does_not_take_the_place_of_the_first() {
    let bus = CommandBus::new();
    bus.register(CreateUserHandler).await.unwrap();
    assert!(bus.register(CreateUserHandler).await.is_err());
    assert_eq!(bus.handlers_count().await, 1);
}
