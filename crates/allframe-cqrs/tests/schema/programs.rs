//! Programs of different times, each with its own type of the same event, and stores that they meet in.

use allframe_cqrs::{
    Event, EventStore, InMemoryBackend, VersionRegistry,
    schema::{CompatibilityMode, EventSchemas, SchemaCheck, SchemaError, SchemaRegistry, SchemaReport},
};

/// Modules with an event `Deposited` each.
macro_rules! programs {
    ($($program:ident { $($item:item)* })*) => {
        $(mod $program {
            #![allow(unused_imports, unreachable_pub, dead_code)]
            use allframe_cqrs::{event, schemars::{self, JsonSchema}};
            use serde::{Deserialize, Serialize};
            use super::*;
            $(#[derive(Clone, Debug, Serialize, Deserialize)] $item)*
        })*
    };
}
pub(crate) use programs;

/// Starts a program on a store; what was new of its schemas.
pub(crate) async fn start<E: Event + EventSchemas>(
    backend: &InMemoryBackend,
    mode: CompatibilityMode,
) -> Result<Vec<(String, u32)>, SchemaError> {
    start_with::<E>(backend, mode, VersionRegistry::new()).await
}

/// The same for one that has upcasters.
pub(crate) async fn start_with<E: Event + EventSchemas>(
    backend: &InMemoryBackend,
    mode: CompatibilityMode,
    versions: VersionRegistry<E>,
) -> Result<Vec<(String, u32)>, SchemaError> {
    let store = EventStore::<E, _>::with_backend(backend.clone()).with_versions(versions)?;
    let SchemaReport { registered, .. } = store.check_schemas(SchemaCheck::new(mode)).await?;
    Ok(registered)
}

pub(crate) fn registry(backend: &InMemoryBackend) -> SchemaRegistry<InMemoryBackend> {
    SchemaRegistry::new(backend.clone())
}

/// An error as people read it.
pub(crate) fn told<T: std::fmt::Debug>(answer: Result<T, SchemaError>) -> String {
    answer.unwrap_err().into()
}

/// What is new, written by hand.
pub(crate) fn new(names: &[(&str, u32)]) -> Vec<(String, u32)> {
    names.iter().map(|(name, version)| ((*name).to_owned(), *version)).collect()
}
