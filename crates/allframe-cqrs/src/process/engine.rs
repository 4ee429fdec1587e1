use std::{collections::HashMap, sync::Arc};

use tokio::sync::watch;

use super::{ProcessError, Refused, commands::Dispatch, handler::Handler, log::ProcessLog};
use crate::{Clock, DispatchContext, saga::SagaOrchestrator};

/// A process manager whose types are forgotten: what reacting and carrying out need of it.
pub(super) struct Engine {
    pub(super) name: Arc<str>,
    pub(super) commands: HashMap<&'static str, Dispatch>,
    pub(super) timers: HashMap<Arc<str>, Handler<serde_json::Value>>,
    pub(super) refused: Option<Handler<Refused>>,
    lifecycle: watch::Sender<Lifecycle>,
}

/// What it works with while it is open.
pub(super) struct Runtime {
    pub(super) log: ProcessLog,
    pub(super) sagas: SagaOrchestrator,
    pub(super) clock: Arc<dyn Clock>,
}

/// The orchestrator knows the process manager, for its timers, and the process manager knows the orchestrator, while it is open.
enum Lifecycle {
    NotYet,
    Open(Arc<Runtime>),
    Closed,
}

/// What a reaction belongs to, and what it comes of.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    pub(super) correlation_id: Arc<str>,
    pub(super) causation_id: Arc<str>,
}

impl Engine {
    pub(super) fn new(
        name: Arc<str>,
        commands: HashMap<&'static str, Dispatch>,
        timers: HashMap<Arc<str>, Handler<serde_json::Value>>,
        refused: Option<Handler<Refused>>,
    ) -> Self {
        Self { name, commands, timers, refused, lifecycle: watch::Sender::new(Lifecycle::NotYet) }
    }

    pub(super) fn open(&self, runtime: Runtime) {
        self.lifecycle.send_replace(Lifecycle::Open(Arc::new(runtime)));
    }

    pub(super) fn close(&self) {
        self.lifecycle.send_replace(Lifecycle::Closed);
    }

    /// What it works with, as soon as it is open.
    pub(super) async fn runtime(&self) -> Result<Arc<Runtime>, ProcessError> {
        let mut lifecycle = self.lifecycle.subscribe();
        let is_decided = |lifecycle: &Lifecycle| !matches!(lifecycle, Lifecycle::NotYet);
        match lifecycle.wait_for(is_decided).await.as_deref() {
            Ok(Lifecycle::Open(runtime)) => Ok(Arc::clone(runtime)),
            _ => Err(ProcessError::Closed),
        }
    }
}

impl Cause {
    /// The context of whatever is set in motion.
    pub(super) fn context(&self) -> DispatchContext {
        DispatchContext::new()
            .with_correlation_id(Arc::clone(&self.correlation_id))
            .with_causation_id(Arc::clone(&self.causation_id))
    }

    pub(super) fn metadata(&self) -> eventstore_api::Metadata {
        eventstore_api::Metadata::new()
            .with_correlation_id(self.correlation_id.to_string())
            .with_causation_id(self.causation_id.to_string())
    }
}
