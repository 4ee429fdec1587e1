//! Consumer groups: several consumers, in one process or many, share the events of a store between them.
//!
//! A group has a name and remembers in the store how far it has got. Its members divide the events by key: the stream, or
//! what a function says. Events of one key are handled one at a time and in order; those of different keys side by side.
//! When a member dies, others take over from its last checkpoint. So each event is handled **at least once**: whoever
//! handles it must be able to do so again.
//!
//! An event that fails again and again is *parked*, and the later ones of its key with it, so that their order holds. The
//! rest goes on. Parked events can be [listed](ConsumerGroup::parked), [replayed](ConsumerGroup::replay_parked) and
//! [discarded](ConsumerGroup::discard_parked).
//!
//! ```
//! # use allframe_cqrs::event;
//! # #[event]
//! # #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
//! # struct Ordered { item: u64 }
//! use allframe_cqrs::{EventStore, consumer_group::GroupError};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let store = EventStore::new();
//! store.append("order-1", vec![Ordered { item: 7 }]).await?;
//! store.append("order-2", vec![Ordered { item: 0 }]).await?;
//!
//! let group = store.consumer_group("shipping").with_max_attempts(1).open().await?;
//! let mut consumer = group.join()?;
//! for _ in 0..2 {
//!     let delivery = consumer.next().await?;
//!     match delivery.event().event.item {
//!         0 => delivery.nack("there is no such item"),
//!         _ => delivery.ack(),
//!     }
//! }
//! consumer.close().await?;
//!
//! let parked = group.parked().await?;
//! assert_eq!((parked[0].key.as_str(), parked[0].reason.as_str()), ("order-2", "there is no such item"));
//! # Ok::<(), GroupError>(()) }).unwrap();
//! ```
//!
//! # What is stored
//!
//! A group of the name `NAME` appends to streams whose names begin with `$group-NAME/`, events whose types begin with
//! `$group.`, as JSON. Nothing else may append there. Each member adds one small event every third of a lease, and one
//! append for each checkpoint; nothing of that is ever removed, since a store only grows.

mod builder;
mod consumer;
mod control;
mod delivery;
mod error;
mod group;
mod groups;
mod lag;
mod member;
mod member_id;
#[cfg(all(doctest, feature = "macros"))]
mod page;
mod parked;
mod partitioning;
mod retry_policy;
mod settings;
mod status;

pub use builder::ConsumerGroupBuilder;
pub use consumer::Consumer;
pub use delivery::Delivery;
pub use error::GroupError;
pub use group::ConsumerGroup;
pub use groups::{ConsumerGroups, GroupSummary, MemberSummary};
pub use lag::Lag;
pub use member_id::MemberId;
pub use parked::{ParkedCause, ParkedEvent};
pub use retry_policy::RetryPolicy;
pub use status::PartitionStatus;
