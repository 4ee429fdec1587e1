use std::{sync::Arc, time::Duration};

use eventstore_api::EventStoreBackend;

use super::DynStore;
use crate::{Aggregate, Backoff, Repository, injection::Dependencies};

/// How often a decision is made while others are faster, and what lies between.
#[derive(Clone, Copy)]
pub(super) struct Retries {
    pub(super) max_attempts: u32,
    pub(super) backoff: Backoff,
}

/// Gives handlers a repository, once it is known how often and after which waits it tries again.
pub(super) type GiveRepository = Box<dyn FnOnce(&mut Dependencies, Retries) + Send>;

impl Default for Retries {
    fn default() -> Self {
        Self {
            max_attempts: 32,
            backoff: Backoff::new(Duration::from_millis(1), Duration::from_millis(50)).with_jitter(),
        }
    }
}

impl Retries {
    /// A repository that has these.
    pub(super) fn repository<A: Aggregate>(
        self,
        store: DynStore<A::Event>,
    ) -> Repository<A, Arc<dyn EventStoreBackend>> {
        Repository::new(store).with_max_attempts(self.max_attempts).with_backoff(self.backoff)
    }

    /// Gives handlers these, and repositories that have them.
    pub(super) fn give(self, dependencies: &mut Dependencies, repositories: Vec<GiveRepository>) {
        dependencies.insert_value(self);
        for repository in repositories {
            repository(dependencies, self);
        }
    }
}
