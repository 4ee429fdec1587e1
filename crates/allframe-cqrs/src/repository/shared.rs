use std::{fmt, sync::Arc};

use eventstore_api::{EventStoreBackend, Metadata, StreamId};
use futures_core::future::BoxFuture;

use super::{Beside, ExecuteError, Executed, Repository};
use crate::{Aggregate, CommandError, Result};

type Decide<'a, A> = dyn FnMut(&A) -> Result<Vec<<A as Aggregate>::Event>, CommandError> + Send + 'a;

/// A repository, whatever its backend, for the handlers of a bus.
pub(crate) struct SharedRepository<A: Aggregate>(Arc<dyn Execute<A>>);

impl<A: Aggregate> SharedRepository<A> {
    pub(crate) fn new<B: EventStoreBackend>(repository: Arc<Repository<A, B>>) -> Self {
        Self(repository)
    }

    pub(crate) fn execute<'a>(
        &'a self,
        stream: StreamId,
        decide: &'a mut Decide<'_, A>,
        beside: Option<&'a dyn Beside>,
    ) -> BoxFuture<'a, Result<Executed<A>, ExecuteError<CommandError>>> {
        self.0.execute(stream, decide, beside)
    }
}

impl<A: Aggregate> Clone for SharedRepository<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Aggregate> fmt::Debug for SharedRepository<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedRepository").finish_non_exhaustive()
    }
}

trait Execute<A: Aggregate>: Send + Sync {
    fn execute<'a>(
        &'a self,
        stream: StreamId,
        decide: &'a mut Decide<'_, A>,
        beside: Option<&'a dyn Beside>,
    ) -> BoxFuture<'a, Result<Executed<A>, ExecuteError<CommandError>>>;
}

impl<A: Aggregate, B: EventStoreBackend> Execute<A> for Repository<A, B> {
    fn execute<'a>(
        &'a self,
        stream: StreamId,
        decide: &'a mut Decide<'_, A>,
        beside: Option<&'a dyn Beside>,
    ) -> BoxFuture<'a, Result<Executed<A>, ExecuteError<CommandError>>> {
        Box::pin(self.execute_beside(Metadata::new(), stream, decide, beside))
    }
}
