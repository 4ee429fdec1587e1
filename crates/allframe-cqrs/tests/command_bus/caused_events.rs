use allframe_cqrs::{
    CommandBus, DispatchContext, Draft, EventStore, Metadata, ReadAll, StreamRange, command, event,
};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::bank::{AccountEvent, Bank, Deposit, Transfer};

async fn metadata_of(store: &EventStore<AccountEvent>) -> Vec<Metadata> {
    let events: Vec<_> = store.read_all(ReadAll::forward()).try_collect().await.unwrap();
    events.iter().map(|event| event.metadata().clone()).collect()
}

#[tokio::test]
async fn every_event_says_which_command_caused_it_and_what_that_belongs_to() {
    let bank = Bank::new();
    let context = DispatchContext::new().with_correlation_id("order-17").with("user", "ann");
    let id = context.id().to_string();
    bank.bus.dispatch_idempotent_with(context, Deposit { account: 1, amount: 50 }, "key-1").await.unwrap();
    let metadata = &metadata_of(&bank.store).await[0];
    assert_eq!(metadata.correlation_id(), Some("order-17"));
    assert_eq!(metadata.causation_id(), Some(&*id));
    assert_eq!(metadata.get(DispatchContext::COMMAND), Some("Deposit"));
    assert_eq!(metadata.get(DispatchContext::IDEMPOTENCY_KEY), Some("key-1"));
    assert_eq!(metadata.get("user"), Some("ann"));
}

#[tokio::test]
async fn a_command_that_nothing_led_to_is_what_its_events_belong_to() {
    let bank = Bank::new();
    bank.deposit(1, 50).await;
    bank.bus.dispatch(Transfer { from: 1, to: 2, amount: 5 }).await.unwrap();
    let metadata = metadata_of(&bank.store).await;
    assert_eq!(metadata[0].correlation_id(), metadata[0].causation_id());
    assert_ne!(metadata[0].correlation_id(), metadata[1].correlation_id());
    // Both streams of one command.
    assert_eq!(metadata[1], metadata[2]);
    let seen = bank.ledger.contexts.lock().unwrap()[0].clone();
    assert_eq!(metadata[1].causation_id(), Some(&*seen.id().to_string()));
    assert_eq!(seen.name(), "Transfer");
}

#[event]
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Logged(u32);

#[command(stream = "log-1")]
struct First;
#[command(stream = "log-2")]
struct Second;

#[tokio::test]
async fn a_command_that_a_handler_dispatches_belongs_to_the_same_and_is_caused_by_the_first() {
    let store = EventStore::<Logged>::new();
    let inner =
        CommandBus::builder(store.clone()).function(|_: Second| async { vec![Logged(2)] }).build().unwrap();
    let outer = CommandBus::builder(store.clone())
        .function(move |_: First| {
            let inner = inner.clone();
            async move {
                inner.dispatch(Second).await?;
                Ok::<_, allframe_cqrs::CommandError>(vec![Logged(1)])
            }
        })
        .build()
        .unwrap();
    let context = DispatchContext::new().with("user", "ann");
    let first_id = context.id().to_string();
    outer.dispatch_with(context, First).await.unwrap();
    let events: Vec<_> = store.read_all(ReadAll::forward()).try_collect().await.unwrap();
    let [second, first] = &events[..] else { panic!("{events:?}") };
    assert_eq!(first.metadata().causation_id(), Some(&*first_id));
    assert_eq!(second.metadata().correlation_id(), Some(&*first_id));
    assert_ne!(second.metadata().causation_id(), Some(&*first_id), "it has an id of its own");
    assert_eq!(second.metadata().get("user"), Some("ann"));
    assert_eq!(second.metadata().get(DispatchContext::COMMAND), Some("Second"));
}

#[tokio::test]
async fn what_a_handler_appends_by_itself_is_marked_too_and_keeps_what_it_says_of_itself() {
    let store = EventStore::<Logged>::new();
    let (own, apart) = (store.clone(), store.clone());
    let bus = CommandBus::builder(store.clone())
        .function(move |_: First| {
            let (own, apart) = (own.clone(), apart.clone());
            async move {
                let draft = Draft::new(Logged(1)).with_metadata(Metadata::new().with_correlation_id("mine"));
                own.batch().append("log-3", Default::default(), [draft]).commit().await?;
                let context = DispatchContext::current().ok_or("there is none")?;
                let spawned = tokio::spawn(async move {
                    let unmarked = apart.append("log-4", vec![Logged(2)]).await?;
                    context.run(apart.append("log-5", vec![Logged(3)])).await?;
                    Ok::<_, allframe_cqrs::Error>(unmarked)
                });
                spawned.await??;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(vec![])
            }
        })
        .build()
        .unwrap();
    bus.dispatch(First).await.unwrap();
    let of = async |stream: &str| {
        let events: Vec<_> =
            store.read_stream(stream, StreamRange::all()).unwrap().try_collect().await.unwrap();
        events[0].metadata().clone()
    };
    assert_eq!(of("log-3").await.correlation_id(), Some("mine"));
    assert_eq!(of("log-3").await.get(DispatchContext::COMMAND), Some("First"));
    assert!(of("log-4").await.is_empty(), "another task knows nothing of it");
    assert_eq!(of("log-5").await.get(DispatchContext::COMMAND), Some("First"));
}
