use std::{fmt, sync::Arc};

use async_trait::async_trait;
use eventstore_api::{Result, StoreError};
use eventstore_memory::InMemoryBackend;

use super::{Kind, Location, OnEvent, Store, Target, Verdict, check::check, target::Runs};
use crate::progress::Progress;

pub(super) const KIND: Kind = Kind {
    form: "memory:",
    named: |url| (url == "memory:").then(|| Ok(Box::new(Forgotten) as Box<dyn Location>)),
};

/// A store of this process alone.
struct Forgotten;

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(KIND.form)
    }
}

#[async_trait(?Send)]
impl Location for Forgotten {
    async fn for_reading(&self) -> Result<Store> {
        Ok(Arc::new(InMemoryBackend::new()))
    }

    async fn for_writing(&self) -> Result<Box<dyn Target>> {
        Ok(Box::new(Runs(self.for_reading().await?)))
    }

    async fn for_appending(&self) -> Result<Store> {
        self.for_reading().await
    }

    async fn verified(&self, progress: &mut Progress) -> Result<Verdict> {
        check(&InMemoryBackend::new(), progress, |_: &StoreError| None).await
    }

    async fn salvaged(&self, _: &mut OnEvent<'_>) -> Option<Result<Verdict>> {
        Some(Ok(Verdict::default()))
    }

    fn bytes(&self) -> Option<u64> {
        None
    }

    fn is_forgotten(&self) -> bool {
        true
    }
}
