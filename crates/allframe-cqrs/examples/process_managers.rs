//! A library: who keeps a book for longer than four weeks is reminded, and who keeps it for two more may not borrow any other.
//!
//! ```sh
//! cargo run -p allframe-cqrs --example process_managers
//! ```
//!
//! Nothing happens in those six weeks: no event says that a book was *not* brought back. A process manager sets a timer when a book is lent,
//! and decides when it is over. Timers are in the store, and the library closes for the night in between. The time is that of a
//! clock that is moved by hand, so that six weeks take no longer than they must. docs/process-managers.md has the rest.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::time::Duration;

use allframe_cqrs::{
    Clock as _, CommandBus, EventFilter, EventStore, GlobalPosition, ManualClock, Timestamp, command,
    command_handler, event,
    process::{InstanceSummary, Instances, Process as _, ProcessError, Processes, Reaction},
    process_manager,
    saga::SagaOrchestrator,
};
use serde::{Deserialize, Serialize};
use tokio::time::interval;

const WEEK: Duration = Duration::from_secs(7 * 86_400);

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum LibraryEvent {
    Lent { book: String, reader: String },
    Returned { book: String },
    Reminded { reader: String },
    CardBlocked { reader: String },
}

#[command(stream = "book-{book}")]
#[derive(Clone, Serialize, Deserialize)]
struct Remind {
    book: String,
    reader: String,
}

#[command_handler]
async fn remind(command: Remind) -> Vec<LibraryEvent> {
    vec![LibraryEvent::Reminded { reader: command.reader }]
}

#[command(stream = "reader-{reader}")]
#[derive(Clone, Serialize, Deserialize)]
struct BlockCard {
    reader: String,
}

#[command_handler]
async fn block_card(command: BlockCard) -> Vec<LibraryEvent> {
    vec![LibraryEvent::CardBlocked { reader: command.reader }]
}

/// What is known of a book that is lent.
#[derive(Default, Serialize, Deserialize)]
struct Loan {
    reader: String,
}

#[process_manager(name = "loan", key = book)]
impl Loan {
    #[on(LibraryEvent::Lent)]
    fn lent(&mut self, reader: String, then: &mut Reaction<'_>) {
        self.reader = reader;
        then.set_timer("due", 4 * WEEK, &());
    }

    #[on(LibraryEvent::Returned)]
    fn returned(&mut self, then: &mut Reaction<'_>) {
        then.cancel_timer("due").cancel_timer("overdue").end();
    }

    // A handler decides. What it decides is stored, and then done: it may be called again, and the reader is reminded once.
    #[on_timer("due")]
    fn due(&mut self, then: &mut Reaction<'_>) {
        let book = then.key().to_owned();
        then.dispatch(Remind { book, reader: self.reader.clone() }).set_timer("overdue", 2 * WEEK, &());
    }

    #[on_timer("overdue")]
    fn overdue(&mut self, then: &mut Reaction<'_>) {
        then.dispatch(BlockCard { reader: self.reader.clone() }).end();
    }
}

/// What has happened, and in which week.
type Diary = Vec<(u64, LibraryEvent)>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    for (week, event) in six_weeks().await? {
        println!("week {week}: {event:?}");
    }
    Ok(())
}

async fn six_weeks() -> anyhow::Result<Diary> {
    let store = EventStore::<LibraryEvent>::new();
    let clock = ManualClock::at(Timestamp::now());
    let opened = clock.now();
    let week = || clock.now().as_micros().abs_diff(opened.as_micros()) / 1_000_000 / WEEK.as_secs();
    let mut events = store.catch_up(GlobalPosition::START, EventFilter::all());
    let mut diary = Diary::new();

    let first_day = open_library(&store, &clock).await?;
    for (book, reader) in [("emma", "ann"), ("dune", "bob")] {
        let lent = LibraryEvent::Lent { book: book.into(), reader: reader.into() };
        store.append(format!("book-{book}"), vec![lent]).await?;
    }
    store.append("book-emma", vec![LibraryEvent::Returned { book: "emma".into() }]).await?;
    until(&store, |loans| {
        loans.iter().any(|it| it.has_ended) && loans.iter().any(|it| !it.timers.is_empty())
    })
    .await?;
    first_day.close().await;

    // Another day, in another process. Each time somebody is told something, and then nothing happens for weeks.
    let later = open_library(&store, &clock).await?;
    for (weeks, events_until_then) in [(0, 3), (4, 1), (2, 1)] {
        clock.advance(weeks * WEEK);
        for _ in 0..events_until_then {
            diary.push((week(), events.next().await?.event));
        }
    }
    later.close().await;
    Ok(diary)
}

async fn open_library(store: &EventStore<LibraryEvent>, clock: &ManualClock) -> anyhow::Result<Processes> {
    let bus = CommandBus::builder(store.clone()).discover().build()?;
    let loans = Loan::process_manager().dispatches::<Remind>(&bus).dispatches::<BlockCard>(&bus);
    // A process with a name goes on at once with what it has left.
    let sagas = SagaOrchestrator::builder(store).with_clock(clock.clone()).with_worker_name("library");
    Ok(Processes::builder(sagas).process(store, loans).open().await?)
}

async fn until(
    store: &EventStore<LibraryEvent>,
    is_so: impl Fn(&[InstanceSummary]) -> bool,
) -> Result<(), ProcessError> {
    let instances = Instances::of(store);
    let mut looks = interval(Duration::from_millis(10));
    loop {
        looks.tick().await;
        if is_so(&instances.list(|_| true).await?) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_brings_a_book_back_hears_nothing_and_who_does_not_is_reminded_and_then_blocked() {
        let bob = || "bob".to_owned();
        let diary = six_weeks().await.unwrap();
        assert_eq!(diary.len(), 5, "{diary:?}");
        assert!(diary[..3].iter().all(|(week, _)| *week == 0), "{diary:?}");
        assert_eq!(
            diary[3..],
            [(4, LibraryEvent::Reminded { reader: bob() }), (6, LibraryEvent::CardBlocked { reader: bob() }),]
        );
    }
}
