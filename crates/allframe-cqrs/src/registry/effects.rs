use std::{collections::VecDeque, sync::Arc};

use eventstore_api::{
    EventStoreBackend, EventType, GlobalPosition, InvalidInput, Snapshot, StoreError, StreamId, Version,
};

use super::{
    fault::{Failure, FaultCause},
    inline::in_effect,
};
use crate::{ApplyContext, Effect, Error, Result};

/// What the events of a projection ask to be done outside: once, however often they are applied.
///
/// It is known up to which event that has been done, by the name of the projection, whatever its version. That is stored
/// after each batch of effects, so that a crash in the middle of one repeats what was done of it, and never leaves anything out.
pub(super) struct Effects {
    due: VecDeque<(GlobalPosition, Effect)>,
    /// Up to where they have been done, which is not stored yet.
    done: Option<GlobalPosition>,
    watermark: Option<Watermark>,
}

impl Effects {
    /// They are done, up to where the watermark says.
    pub(super) fn with(watermark: Watermark) -> Self {
        Self { due: VecDeque::new(), done: None, watermark: Some(watermark) }
    }

    /// They are left out: a state that is built anew, and its events have had theirs.
    pub(super) fn none() -> Self {
        Self { due: VecDeque::new(), done: None, watermark: None }
    }

    /// What to apply an event with.
    pub(super) fn context(&self, position: GlobalPosition) -> ApplyContext {
        match &self.watermark {
            Some(watermark) if position > watermark.through => ApplyContext::live(),
            _ => ApplyContext::replaying(),
        }
    }

    pub(super) fn collect(&mut self, position: GlobalPosition, context: &mut ApplyContext) {
        self.due.extend(context.take_effects().into_iter().map(|effect| (position, effect)));
    }

    pub(super) fn are_due(&self) -> bool {
        !self.due.is_empty() || self.done.is_some()
    }

    /// Does what is due, in order.
    pub(super) async fn run(&mut self) -> Result<(), Failure> {
        let done = self.run_due().await;
        // Also where one has failed: those before it must not be done again after a restart.
        let noted = self.note_done().await;
        done.and(noted)
    }

    async fn run_due(&mut self) -> Result<(), Failure> {
        while let Some((position, effect)) = self.due.front() {
            let position = *position;
            let outcome = in_effect(effect.run()).await.unwrap_or_else(|panicked| Err(panicked.into()));
            if let Err(error) = outcome {
                let cause = FaultCause::Effect(error.into());
                return Err(Failure { position, stream: None, cause });
            }
            self.due.pop_front();
            // Of an event that has asked for several things, all of them.
            if self.due.front().is_none_or(|&(next, _)| next != position) {
                self.done = Some(position);
            }
        }
        Ok(())
    }

    async fn note_done(&mut self) -> Result<(), Failure> {
        let (Some(done), Some(watermark)) = (self.done, &mut self.watermark) else { return Ok(()) };
        watermark.raise(done).await.map_err(|error| Failure {
            position: done,
            stream: None,
            cause: FaultCause::Store(error),
        })?;
        self.done = None;
        Ok(())
    }

    /// Leaves out what an event asked for; whether there was anything.
    pub(super) fn drop_those_of(&mut self, position: GlobalPosition) -> bool {
        let before = self.due.len();
        self.due.retain(|&(of, _)| of != position);
        before > self.due.len()
    }

    /// Everything up to here is applied, with all its effects.
    pub(super) fn applied(&mut self, through: GlobalPosition) {
        if let Some(watermark) = &mut self.watermark {
            watermark.through = watermark.through.max(through);
        }
    }
}

/// Up to which event the effects of a projection have been done.
pub(super) struct Watermark {
    through: GlobalPosition,
    kept: Option<KeptWatermark>,
}

/// The type of what is kept. The name of its stream may look like that of a state: `x-v1` is a name, too.
pub(super) const EFFECTS: &str = "$projection-effects";

pub(super) struct KeptWatermark {
    backend: Arc<dyn EventStoreBackend>,
    stream: StreamId,
}

impl Watermark {
    /// From here on, and stored nowhere.
    pub(super) fn in_memory(through: GlobalPosition) -> Self {
        Self { through, kept: None }
    }

    /// From here on, stored as it rises.
    pub(super) fn kept(through: GlobalPosition, kept: KeptWatermark) -> Self {
        Self { through, kept: Some(kept) }
    }

    async fn raise(&mut self, through: GlobalPosition) -> Result<()> {
        if let Some(kept) = &self.kept {
            kept.save(through).await?;
        }
        self.through = self.through.max(through);
        Ok(())
    }
}

impl KeptWatermark {
    pub(super) fn new(backend: Arc<dyn EventStoreBackend>, name: &str) -> Result<Self, InvalidInput> {
        Ok(Self { backend, stream: StreamId::new(format!("$projection-effects-{name}"))? })
    }

    pub(super) async fn load(&self) -> Result<Option<GlobalPosition>> {
        let snapshot = self.backend.get_latest_snapshot(&self.stream).await?;
        Ok(snapshot.map(|snapshot| GlobalPosition::new(snapshot.version.get())))
    }

    /// Notes that the projection begins here.
    pub(super) async fn begin(&self, head: GlobalPosition) -> Result<()> {
        match self.save(head).await {
            // One that was opened to look at it: whoever writes it does this.
            Err(Error::Store(StoreError::ReadOnly)) => Ok(()),
            saved => saved,
        }
    }

    async fn save(&self, through: GlobalPosition) -> Result<()> {
        let version = Version::new(through.get());
        let snapshot = Snapshot::new(self.stream.clone(), version, EventType::new(EFFECTS)?, "");
        Ok(self.backend.save_snapshot(snapshot).await?)
    }
}
