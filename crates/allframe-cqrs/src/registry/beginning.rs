use std::sync::Arc;

use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};

use super::{
    CheckpointPolicy, FaultPolicy, ProjectionState,
    attempts::Attempts,
    checkpoint_policy::SinceCheckpoint,
    feed::Feed,
    runner::Runner,
    running::Task,
    sink::{Sink, Standing},
    status::Gauges,
};
use crate::Event;

/// How many commands may wait for a runner.
const COMMANDS: usize = 16;

/// What a runner begins with, whatever takes its events in.
pub(super) struct Beginning<E> {
    pub(super) name: String,
    pub(super) version: u32,
    pub(super) feed: Arc<Feed<E>>,
    pub(super) faults: FaultPolicy,
    pub(super) checkpoints: CheckpointPolicy,
}

impl<E: Event> Beginning<E> {
    /// Runs it in a task of its own; the way to that task.
    pub(super) fn run(self, runtime: &Handle, sink: impl Sink<E>, standing: Standing) -> Task {
        let Self { name, version, feed, faults, checkpoints } = self;
        let mut first = Gauges::new(standing.position);
        (first.parked, first.stored) = (standing.parked, standing.stored);
        if standing.is_outdated {
            first.state = ProjectionState::Replacing;
        }
        let gauges = watch::Sender::new(first);
        let (sender, commands) = mpsc::channel(COMMANDS);
        let task = Task { name: name.as_str().into(), version, commands: sender, gauges: gauges.subscribe() };
        let runner = Runner {
            name,
            sink,
            feed,
            policy: faults,
            since_checkpoint: SinceCheckpoint::new(checkpoints),
            commands,
            gauges,
            attempts: Attempts::default(),
        };
        runtime.spawn(runner.run());
        task
    }
}
