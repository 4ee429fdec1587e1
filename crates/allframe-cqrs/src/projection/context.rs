use std::{error::Error, fmt, future::Future, sync::Arc};

use futures_core::future::BoxFuture;

/// Why a projection did not take an event in: whatever error it has, or a text (`"no such account".into()`).
pub type ApplyError = Box<dyn Error + Send + Sync>;

/// What a projection is told beside the event, and where it leaves what is to be done outside of it.
///
/// An event may be applied more than once over the life of a read model: when it is built anew, and when what was applied
/// had not been stored yet. A mail must not be sent again then, so it is not sent in `try_apply` but left here as an effect.
///
/// ```
/// use allframe_cqrs::{ApplyContext, ApplyError, Projection, Recorded, event};
///
/// #[event]
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct Overdrawn { account: String }
///
/// #[derive(Default)]
/// struct Warnings { sent: u64 }
///
/// impl Projection for Warnings {
///     type Event = Overdrawn;
///
///     fn apply(&mut self, _event: &Overdrawn) {
///         self.sent += 1;
///     }
///
///     fn try_apply(&mut self, event: &Recorded<Overdrawn>, context: &mut ApplyContext) -> Result<(), ApplyError> {
///         self.apply(&event.event);
///         let account = event.event.account.clone();
///         context.effect(move || {
///             let account = account.clone();
///             async move { send_warning(&account).await }
///         });
///         Ok(())
///     }
/// }
/// # async fn send_warning(_account: &str) -> Result<(), ApplyError> { Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct ApplyContext {
    is_replaying: bool,
    effects: Vec<Effect>,
}

impl ApplyContext {
    /// For an event whose effects have not happened yet.
    #[must_use]
    pub fn live() -> Self {
        Self { is_replaying: false, effects: Vec::new() }
    }

    /// For an event that is applied again, and has no effects this time.
    #[must_use]
    pub fn replaying() -> Self {
        Self { is_replaying: true, effects: Vec::new() }
    }

    /// Whether the event has had its effects already.
    #[must_use]
    pub fn is_replaying(&self) -> bool {
        self.is_replaying
    }

    /// Asks for something to be done outside, after the event has been applied; does nothing while
    /// [replaying](Self::is_replaying).
    ///
    /// The function is called once more where what it did before failed and is tried again. The projection goes no further
    /// before it is done, nor is it paused, stored or closed: give what may hang a limit of time. It may append to the
    /// projection's store. A task that it spawns may too, but is not to be awaited: an append from there waits for the
    /// [inline](crate::Consistency::Inline) projections, as any other does.
    pub fn effect<F, R>(&mut self, effect: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), ApplyError>> + Send + 'static,
    {
        if !self.is_replaying {
            self.effects.push(Effect(Arc::new(move || Box::pin(effect()))));
        }
    }

    /// What has been asked for so far, in its order; afterwards there is nothing.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}

/// Something that is to be done outside because of an event.
#[derive(Clone)]
pub struct Effect(Arc<dyn Fn() -> BoxFuture<'static, Result<(), ApplyError>> + Send + Sync>);

impl Effect {
    /// Does it.
    ///
    /// # Errors
    ///
    /// What kept it from being done.
    pub async fn run(&self) -> Result<(), ApplyError> {
        (self.0)().await
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Effect")
    }
}
