//! The toolkit on each of the stores below it.

#[cfg(all(feature = "memory", feature = "wal", feature = "postgres", feature = "macros"))]
mod any_store;
#[cfg(all(feature = "memory", feature = "wal", feature = "postgres", feature = "macros"))]
#[path = "../support/domain.rs"]
mod domain;
#[cfg(feature = "wal")]
mod durable;
#[cfg(feature = "wal")]
#[path = "../support/home.rs"]
mod home;
#[cfg(feature = "memory")]
mod observed;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "wal")]
#[path = "../support/reopened.rs"]
mod reopened;
#[cfg(feature = "postgres")]
#[path = "../support/schema.rs"]
mod schema;
#[cfg(feature = "memory")]
#[path = "../support/mod.rs"]
mod support;
