mod current;

use std::{borrow::Cow, fmt, sync::Arc};

pub(crate) use current::{over, scope, stamp};
use eventstore_api::{EventId, Metadata};

/// What is known of a command or a query while it is carried out: who caused it, what it belongs to, what its caller says of it.
///
/// A bus makes one for each dispatch, gives it to layers and to handlers that ask for it, and writes it into the metadata of
/// every event that is appended meanwhile by the task that handles the command, whichever store that goes through:
///
/// | metadata | is |
/// |---|---|
/// | `correlation_id` | what began it all: that of the command that led to this one, or its own id |
/// | `causation_id` | the id of this command |
/// | `command` | its name |
/// | `idempotency_key` | its key, if it has one |
///
/// and what was given to [`with`](Self::with). Metadata that an event has already is left as it is. A task that the handler
/// spawns knows nothing of it; hand it the context, and let it [`run`](Self::run) with it. A context that has been dispatched
/// with makes another dispatch one that it caused: with an id of its own, and without the key.
///
/// Metadata is part of what an event is: who appends an event again under the same [id](crate::Draft::with_id), to be answered
/// with the first outcome, does so within the same dispatch, or gives the event the same `causation_id` and what else it says.
///
/// ```
/// use allframe_cqrs::DispatchContext;
///
/// let context = DispatchContext::new().with_correlation_id("order-17").with("user", "ann");
/// assert_eq!(context.correlation_id(), "order-17");
/// assert_eq!(context.metadata().get("user"), Some("ann"));
/// ```
#[derive(Clone)]
pub struct DispatchContext {
    id: EventId,
    name: &'static str,
    correlation_id: Option<Arc<str>>,
    causation_id: Option<Arc<str>>,
    key: Option<Arc<str>>,
    metadata: Metadata,
}

impl DispatchContext {
    /// The name under which events have the name of their command.
    pub const COMMAND: &'static str = "command";
    /// The name under which events have the idempotency key of their command.
    pub const IDEMPOTENCY_KEY: &'static str = "idempotency_key";

    /// A new one. Made while a command is handled, it is caused by that command: it has its correlation id and metadata.
    #[must_use]
    pub fn new() -> Self {
        let (correlation_id, causation_id, metadata) = match Self::current() {
            Some(cause) => {
                (Some(cause.correlation_id().into()), Some(cause.id.to_string().into()), cause.metadata)
            }
            None => (None, None, Metadata::new()),
        };
        Self { id: EventId::generate(), name: "", correlation_id, causation_id, key: None, metadata }
    }

    /// That of the command which the calling task carries out.
    #[must_use]
    pub fn current() -> Option<Self> {
        current::get()
    }

    /// Does something as if it were part of the command: events that it appends are marked as the command's.
    pub async fn run<F: Future>(self, work: F) -> F::Output {
        scope(self, work).await
    }

    /// The same context, as a part of what this id stands for.
    #[must_use]
    pub fn with_correlation_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// The same context, caused by the message of this id.
    #[must_use]
    pub fn with_causation_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.causation_id = Some(id.into());
        self
    }

    /// The same context with something that its caller says, as who it is for; it goes into the metadata of all events.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) -> Self {
        self.metadata = self.metadata.with(name, value);
        self
    }

    /// The same context with an idempotency key: the command is then carried out once, as with
    /// [`dispatch_idempotent`](crate::CommandBus::dispatch_idempotent).
    #[must_use]
    pub fn with_idempotency_key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The id of this dispatch, new for each.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.id
    }

    /// The name of the command or query; empty before it is dispatched.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it belongs to; its own id where nothing led to it.
    #[must_use]
    pub fn correlation_id(&self) -> Cow<'_, str> {
        match &self.correlation_id {
            Some(id) => Cow::Borrowed(id),
            None => Cow::Owned(self.id.to_string()),
        }
    }

    /// The id of the message that caused it, if one did.
    #[must_use]
    pub fn causation_id(&self) -> Option<&str> {
        self.causation_id.as_deref()
    }

    /// Its idempotency key, which is the one to hand on to whatever outside does an effect once a key.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// What the caller said of it.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What goes into the metadata of events.
    #[must_use]
    pub fn event_metadata(&self) -> Metadata {
        let id = self.id.to_string();
        let correlation = self.correlation_id.as_deref().map_or_else(|| id.clone(), str::to_owned);
        let mut metadata = self.metadata.clone().with_correlation_id(correlation).with_causation_id(id);
        if !self.name.is_empty() {
            metadata = metadata.with(Self::COMMAND, self.name);
        }
        match &self.key {
            Some(key) => metadata.with(Self::IDEMPOTENCY_KEY, key.to_string()),
            None => metadata,
        }
    }

    /// For a dispatch: as it is, or for a further one than the first, as caused by that.
    pub(crate) fn for_dispatch(self) -> Self {
        if self.name.is_empty() {
            return self;
        }
        let correlation_id = Some(self.correlation_id().into());
        let causation_id = Some(self.id.to_string().into());
        Self { id: EventId::generate(), name: "", correlation_id, causation_id, key: None, ..self }
    }

    pub(crate) fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }
}

impl Default for DispatchContext {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for DispatchContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatchContext")
            .field("name", &self.name)
            .field("id", &self.id)
            .field("correlation_id", &self.correlation_id())
            .field("causation_id", &self.causation_id)
            .field("idempotency_key", &self.key)
            .field("metadata", &self.metadata)
            .finish()
    }
}
