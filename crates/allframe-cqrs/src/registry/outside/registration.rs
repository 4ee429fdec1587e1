use std::{any::type_name, fmt, sync::Arc};

use async_trait::async_trait;
use eventstore_api::{InvalidInput, StreamId};
use tokio::runtime::Handle;

use super::{
    super::{
        CheckpointPolicy, Consistency, FaultPolicy, ProjectionError, beginning::Beginning, feed::Feed,
        launch::Launch, running::Running,
    },
    OutsideProjection,
    running::OutsideRunning,
    sink::OutsideSink,
};

/// A projection whose read model is in a database, about to be registered with
/// [`ProjectionRegistry::add_outside`](crate::ProjectionRegistry::add_outside).
#[must_use = "it is not registered before `ProjectionRegistry::add_outside`"]
pub struct OutsideRegistration<P> {
    name: String,
    version: u32,
    projection: P,
    consistency: Consistency,
    faults: FaultPolicy,
    checkpoints: CheckpointPolicy,
}

impl<P: OutsideProjection> OutsideRegistration<P> {
    /// A projection under a name. The version is for whoever looks at the status: where the read model of each is, only the
    /// projection knows.
    pub fn new(name: impl Into<String>, version: u32, projection: P) -> Self {
        Self {
            name: name.into(),
            version,
            projection,
            consistency: Consistency::default(),
            faults: FaultPolicy::default(),
            checkpoints: CheckpointPolicy::default(),
        }
    }

    /// The same, on which an append waits or not. The toolkit does not see who reads the database, so that
    /// [`Consistency::ReadYourWrites`] is for whoever reads to do: with
    /// [`ProjectionRegistry::wait_for`](crate::ProjectionRegistry::wait_for), before.
    pub fn with_consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = consistency;
        self
    }

    /// The same, which does this with an event that it does not take in. An event whose batch was refused is tried once more
    /// alone before that counts as an attempt.
    pub fn with_faults(mut self, faults: FaultPolicy) -> Self {
        self.faults = faults;
        self
    }

    /// The same, whose database hears this often that the position has moved past events of other types. Its own events move it
    /// at once.
    pub fn with_checkpoints(mut self, checkpoints: CheckpointPolicy) -> Self {
        self.checkpoints = checkpoints;
        self
    }
}

#[async_trait]
impl<P: OutsideProjection> Launch<P::Event> for OutsideRegistration<P> {
    fn name(&self) -> &str {
        &self.name
    }

    fn consistency(&self) -> Consistency {
        self.consistency
    }

    async fn launch(self: Box<Self>, feed: Arc<Feed<P::Event>>) -> Result<Arc<dyn Running>, ProjectionError> {
        let runtime = Handle::try_current().map_err(|_| ProjectionError::NoRuntime)?;
        let Self { name, version, projection, faults, checkpoints, .. } = *self;
        if let Err(source) = as_of_every_projection(&name) {
            return Err(ProjectionError::InvalidName { name, source });
        }
        let (sink, standing) = match OutsideSink::open(projection).await {
            Ok(opened) => opened,
            Err(source) => return Err(ProjectionError::ReadModel { name, source }),
        };
        // Asked after the position: whatever that counts was stored before.
        let head = match feed.backend().head().await {
            Ok(head) => head,
            Err(error) => return Err(ProjectionError::Store { name, source: error.into() }),
        };
        if standing.position > head {
            return Err(ProjectionError::AheadOfStore { name, position: standing.position, head });
        }
        let beginning = Beginning { name, version, feed, faults, checkpoints };
        Ok(Arc::new(OutsideRunning { task: beginning.run(&runtime, sink, standing) }))
    }
}

/// A projection can become one whose state is kept in the store, and the other way, under the name that it has.
fn as_of_every_projection(name: &str) -> Result<(), InvalidInput> {
    StreamId::new(format!("$projection-effects-{name}")).map(|_| ())
}

impl<P> fmt::Debug for OutsideRegistration<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutsideRegistration")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("projection", &type_name::<P>())
            .field("consistency", &self.consistency)
            .field("faults", &self.faults)
            .field("checkpoints", &self.checkpoints)
            .finish_non_exhaustive()
    }
}
