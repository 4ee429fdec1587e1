//! What stands between a bus and its handlers: layers, each of which may look at a request, refuse it, or bound it.
//!
//! A layer gets the request and all that comes after it, as one of tower's does:
//!
//! ```
//! use allframe_cqrs::{EventStore, CommandBus, async_trait, command, event, middleware::{Layer, Next, Request}};
//!
//! struct Named;
//!
//! #[async_trait]
//! impl<T: Send + 'static, X: Send + 'static> Layer<T, X> for Named {
//!     async fn call(&self, request: Request, next: Next<'_, T, X>) -> Result<T, X> {
//!         println!("{} begins", request.context().name());
//!         let answer = next.run(request).await;
//!         println!("and ends {}", if answer.is_ok() { "well" } else { "badly" });
//!         answer
//!     }
//! }
//!
//! #[event]
//! #[derive(Clone, serde::Serialize, serde::Deserialize)]
//! struct Opened;
//!
//! #[command(stream = "account-{account}")]
//! struct Open { account: u32 }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let bus = CommandBus::builder(EventStore::<Opened>::new())
//!     .function(|_: Open| async { vec![Opened] })
//!     .layer(Named)
//!     .build()
//!     .unwrap();
//! assert_eq!(bus.dispatch(Open { account: 7 }).await?.events.len(), 1);
//! # Ok::<(), allframe_cqrs::CommandError>(()) }).unwrap();
//! ```
//!
//! The first layer that a bus is given is the outermost: it sees a request first, and its answer last. Layers stand around
//! validation and around what an idempotency key remembers, so that whoever is denied learns neither. A command that could
//! not be read from JSON comes through as a [`Request`] without a message, and is refused behind the last of them.

mod audit;
mod authorise;
mod concurrency_limit;
mod layer;
mod refusal;
mod timeout;

pub use audit::{Audit, AuditEntry};
pub use authorise::Authorise;
pub use concurrency_limit::ConcurrencyLimit;
pub(crate) use layer::{End, through};
pub use layer::{Layer, Next, Request};
pub use refusal::{Outcome, Refusal};
pub use timeout::Timeout;
