//! Process managers: what is to happen when something has happened, and when nothing has, across crashes.
//!
//! A [`ProcessManager`] reacts to events. Each event has a key, as the number of an order, and belongs to the instance of that key,
//! which knows what its handlers have noted so far. A handler changes that, and decides what follows: [`Reaction`] dispatches commands,
//! now or later, starts sagas, sets timers and cancels them, and ends the instance. A handler does nothing itself, so that it can be
//! called again: what it decides is stored first, and then done.
//!
//! ```
//! use std::time::Duration;
//! use allframe_cqrs::{
//!     CommandBus, EventStore, ManualClock, command, command_handler, event,
//!     process::{ProcessManager, Processes}, saga::SagaOrchestrator,
//! };
//! use serde::{Deserialize, Serialize};
//!
//! #[event]
//! #[derive(Clone, Serialize, Deserialize)]
//! enum OrderEvent { Placed { order: u64 }, Paid { order: u64 }, Cancelled { order: u64 } }
//! use OrderEvent::*;
//!
//! #[command(stream = "order-{order}")]
//! #[derive(Clone, Serialize, Deserialize)]
//! struct Cancel { order: u64 }
//!
//! #[command_handler]
//! async fn cancel(command: Cancel) -> Vec<OrderEvent> {
//!     vec![Cancelled { order: command.order }]
//! }
//!
//! /// What an instance knows.
//! #[derive(Default, Serialize, Deserialize)]
//! struct Payment { order: u64 }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let store = EventStore::<OrderEvent>::new();
//! let bus = CommandBus::builder(store.clone()).discover().build().unwrap();
//!
//! let payment = ProcessManager::<Payment, OrderEvent>::new("payment")
//!     .on(
//!         |event| match event.event {
//!             Placed { order } | Paid { order } => Some(order.to_string()),
//!             Cancelled { .. } => None,
//!         },
//!         |payment, event, then| match event.event {
//!             Placed { order } => {
//!                 payment.order = order;
//!                 then.set_timer("due", Duration::from_secs(86_400), &());
//!             }
//!             _ => {
//!                 then.end();
//!             }
//!         },
//!     )
//!     .on_timer("due", |payment, (), then| {
//!         then.dispatch(Cancel { order: payment.order }).end();
//!     })
//!     .dispatches::<Cancel>(&bus);
//!
//! let clock = ManualClock::new();
//! let sagas = SagaOrchestrator::builder(&store).with_clock(clock.clone());
//! let processes = Processes::builder(sagas).process(&store, payment).open().await?;
//!
//! store.append("order-7", vec![Placed { order: 7 }]).await?;
//! while store.get_events("order-7").await?.len() < 2 {
//!     clock.wake_next().await; // the time moves on whenever somebody waits for it: by a day
//! #   for _ in 0..50 { tokio::task::yield_now().await; }
//! }
//! let events = store.get_events("order-7").await?;
//! assert!(matches!(events[..], [Placed { .. }, Cancelled { order: 7 }]));
//! processes.close().await;
//! # Ok::<(), allframe_cqrs::process::ProcessError>(()) }).unwrap();
//! ```
//!
//! # Once
//!
//! Events come through a [consumer group](crate::consumer_group), at least once, in order for each key, shared by any number of
//! processes. An instance stores that it has reacted to an event, what it knows then and what it decided in one append, under the
//! version that it had: where another process was faster, it decides anew. Then what was decided is done, and only then the event is
//! acknowledged. Where the process dies before that, the event comes again, the reaction is found, and what it decided is done again:
//! commands with an idempotency key that is always the same, sagas and timers under ids that are. So each takes effect once.
//!
//! A handler's own effects are not among these. It may be called again, and should have none.
//!
//! # What is stored
//!
//! The instance of `payment` of the key `7` is the stream `process-payment-7`, of [`Reacted`], with JSON in it. A timer is a saga of the
//! type `process_timer.payment`, and a scheduled command one of `process_command.payment`; the consumer group is `process-payment`. A key
//! has 1 to 256 bytes without control characters.
//!
//! What was stored under a name goes on under it: a timer by its name, a command by that of the command. Programs of two versions may
//! be at work at a time, and either reacts to an event with its own handlers; an event for which a program has no handler is passed over,
//! and does not come again. What is to react differently from the first event on has another name.
mod builder;
mod carry_out;
mod commands;
mod deferred;
mod engine;
mod error;
mod event;
mod handler;
mod instances;
mod key;
mod log;
mod manager;
#[cfg(all(doctest, feature = "macros"))]
mod page;
mod process_type;
mod processes;
mod react;
mod reaction;
mod refused;
mod rules;
mod telemetry;
mod worker;

pub use builder::ProcessesBuilder;
pub use error::ProcessError;
pub use event::{Order, Place, Reacted, Trigger};
pub use instances::{InstanceSummary, Instances};
pub use manager::ProcessManager;
pub use process_type::Process;
pub use processes::{InstanceState, Processes};
pub use reaction::Reaction;
pub use refused::Refused;
