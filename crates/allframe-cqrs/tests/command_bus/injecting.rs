use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use allframe_cqrs::{CommandBus, DispatchContext, EventStore, Repository, command, command_handler, event};
use serde::{Deserialize, Serialize};

/// Events of these tests alone, so that the handlers here are found by their buses alone.
#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Noted {
    text: String,
}

#[derive(Default)]
struct Notes {
    count: usize,
}

impl allframe_cqrs::Aggregate for Notes {
    type Event = Noted;

    fn apply_event(&mut self, _event: &Noted) {
        self.count += 1;
    }
}

trait Clock: Send + Sync {
    fn now(&self) -> u64;
}

struct At(u64);

impl Clock for At {
    fn now(&self) -> u64 {
        self.0
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Tenant(String);

#[command(stream = "notes-1")]
struct Note;

#[command_handler]
async fn note(
    _command: Note,
    clock: Arc<dyn Clock>,
    repository: &Arc<Repository<Notes>>,
    tenant: Tenant,
    context: DispatchContext,
) -> Result<Vec<Noted>, allframe_cqrs::Error> {
    let count = repository.load("notes-1").await?.aggregate.count;
    let text = format!("{count} at {} for {} by {}", clock.now(), tenant.0, context.name());
    Ok(vec![Noted { text }])
}

/// It stores by itself, and answers nothing: the store that it asks for says which bus it is for.
#[command]
struct NoteTwice;

#[command_handler]
async fn note_twice(_command: NoteTwice, store: &EventStore<Noted>) -> Result<(), allframe_cqrs::Error> {
    for text in ["one", "two"] {
        store.append("notes-2", vec![Noted { text: text.into() }]).await?;
    }
    Ok(())
}

#[command(stream = "notes-3")]
struct NoteAtOnce(&'static str);

/// Neither async nor a decision.
#[command_handler]
fn note_at_once(command: NoteAtOnce) -> Vec<Noted> {
    vec![Noted { text: command.0.into() }]
}

#[tokio::test]
async fn a_handler_is_given_values_trait_objects_repositories_and_what_is_made_for_each_dispatch() {
    let store = EventStore::new();
    let clock: Arc<dyn Clock> = Arc::new(At(17));
    let made = Arc::new(AtomicUsize::new(0));
    let bus = CommandBus::builder(store.clone())
        .discover()
        .provide(clock)
        .repository(Repository::<Notes>::new(store.clone()))
        .provide_with({
            let made = Arc::clone(&made);
            move |context: &DispatchContext| {
                made.fetch_add(1, Ordering::Relaxed);
                Tenant(context.metadata().get("tenant").unwrap_or("nobody").to_owned())
            }
        })
        .build()
        .unwrap();
    let context = || DispatchContext::new().with("tenant", "ann");
    bus.dispatch_with(context(), Note).await.unwrap();
    bus.dispatch_with(context(), Note).await.unwrap();
    bus.dispatch(NoteTwice).await.unwrap();
    bus.dispatch(NoteAtOnce("now")).await.unwrap();
    let texts: Vec<_> = store.get_all_events().await.unwrap().into_iter().map(|noted| noted.text).collect();
    assert_eq!(texts, ["0 at 17 for ann by Note", "1 at 17 for ann by Note", "one", "two", "now"]);
    assert_eq!(made.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn everything_that_is_missing_is_named_at_once_before_the_first_command() {
    let error = CommandBus::builder(EventStore::<Noted>::new()).discover().build().unwrap_err();
    let text = error.to_string();
    for missing in ["dyn command_bus::injecting::Clock", "Repository<", "Tenant"] {
        assert!(text.contains(missing), "{missing} is not in {text}");
    }
    assert_eq!(error.problems.len(), 3, "{text}");
    assert!(text.contains("`command_bus::injecting::note` asks for a"), "{text}");
}
