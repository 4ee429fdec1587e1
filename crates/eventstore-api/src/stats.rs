use std::{any::Any, collections::HashMap, fmt, sync::Arc};

use crate::GlobalPosition;

/// How much a store holds. The counts are exact: they are of one moment, and equal what a full read then counts.
///
/// Two are equal when their counts are, whatever else the stores say of themselves.
///
/// ```
/// use eventstore_api::{BackendStats, GlobalPosition};
///
/// let empty = BackendStats::new(0, 0, 0, GlobalPosition::START);
/// assert_eq!(empty, BackendStats::default());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct BackendStats {
    /// Events.
    pub total_events: u64,
    /// Streams with at least one event.
    pub total_streams: u64,
    /// Streams with a snapshot.
    pub total_snapshots: u64,
    /// The position of the last event; [`GlobalPosition::START`] where there is none.
    pub head: GlobalPosition,
    specific: Option<Arc<dyn SpecificStats>>,
}

/// What only one kind of store can say of itself: numbers with names, as a type of its own.
///
/// ```
/// use eventstore_api::{BackendStats, GlobalPosition, SpecificStats};
///
/// #[derive(Debug)]
/// struct TapeStats { tapes: u64 }
///
/// impl SpecificStats for TapeStats {
///     fn backend_type(&self) -> &'static str { "tape" }
///     fn numbers(&self) -> Vec<(&'static str, u64)> { vec![("tapes", self.tapes)] }
/// }
///
/// let stats = BackendStats::new(0, 0, 0, GlobalPosition::START).with_specific(TapeStats { tapes: 3 });
/// assert_eq!(stats.specific::<TapeStats>().map(|stats| stats.tapes), Some(3));
/// assert_eq!(stats.backend_specific()["tapes"], "3");
/// ```
pub trait SpecificStats: Any + fmt::Debug + Send + Sync {
    /// Which kind of store it is, in a word, as `wal`.
    fn backend_type(&self) -> &'static str;

    /// All numbers, each under the name of its field.
    fn numbers(&self) -> Vec<(&'static str, u64)>;
}

impl BackendStats {
    /// These counts. For backends.
    #[must_use]
    pub fn new(total_events: u64, total_streams: u64, total_snapshots: u64, head: GlobalPosition) -> Self {
        Self { total_events, total_streams, total_snapshots, head, specific: None }
    }

    /// The same counts, and what else the store can say. For backends.
    #[must_use]
    pub fn with_specific(mut self, specific: impl SpecificStats) -> Self {
        self.specific = Some(Arc::new(specific));
        self
    }

    /// What only this kind of store says, if it is of this kind.
    #[must_use]
    pub fn specific<T: SpecificStats>(&self) -> Option<&T> {
        let specific: &dyn Any = &**self.specific.as_ref()?;
        specific.downcast_ref()
    }

    /// What only its kind of store says, for who does not know which that is: to print it, say.
    #[must_use]
    pub fn any_specific(&self) -> Option<&dyn SpecificStats> {
        self.specific.as_deref()
    }

    /// The same as AllFrame has it: texts under names, one of them `backend_type`.
    #[must_use]
    pub fn backend_specific(&self) -> HashMap<String, String> {
        let Some(specific) = self.any_specific() else { return HashMap::new() };
        let numbers = specific.numbers().into_iter();
        let mut entries: HashMap<_, _> =
            numbers.map(|(name, number)| (name.to_owned(), number.to_string())).collect();
        entries.insert("backend_type".to_owned(), specific.backend_type().to_owned());
        entries
    }
}

impl PartialEq for BackendStats {
    fn eq(&self, other: &Self) -> bool {
        let counts = |it: &Self| (it.total_events, it.total_streams, it.total_snapshots, it.head);
        counts(self) == counts(other)
    }
}

impl Eq for BackendStats {}
