use std::{collections::HashMap, sync::Arc};

use super::{definition::Steps, lease::Lease, log::SagaLog, telemetry::SagaTelemetry};
use crate::Clock;

/// What all that drive sagas in one process share.
pub(super) struct Engine {
    pub(super) log: Arc<SagaLog>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) worker: WorkerId,
    pub(super) definitions: HashMap<Arc<str>, Arc<Steps>>,
    pub(super) lease: Lease,
    pub(super) telemetry: SagaTelemetry,
}

/// Who drives sagas: a process, in one of its lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WorkerId {
    text: String,
    /// Where its name ends, if it was given one.
    name_bytes: Option<usize>,
}

impl WorkerId {
    /// A new life, under a name that no other process has, or under none.
    pub(super) fn new(name: Option<&str>) -> Self {
        let life = eventstore_api::EventId::generate();
        match name {
            Some(name) => Self { text: format!("{name}#{life}"), name_bytes: Some(name.len()) },
            None => Self { text: life.to_string(), name_bytes: None },
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this was an earlier life of the same process. Where two have one name at a time, the later one takes from the earlier,
    /// and not the other way round.
    pub(super) fn succeeds(&self, other: &str) -> bool {
        let Some(bytes) = self.name_bytes else { return false };
        let (Some(name), Some(life)) = (self.text.get(..bytes), self.text.get(bytes + 1..)) else {
            return false;
        };
        // Lives are told by ids that sort by the time they were made at.
        other.rsplit_once('#').is_some_and(|(of_name, of_life)| of_name == name && of_life < life)
    }
}

#[cfg(test)]
mod tests {
    use super::WorkerId;

    #[test]
    fn a_process_knows_its_earlier_lives_by_its_name_alone() {
        let (first, second, other) =
            (WorkerId::new(Some("a#1")), WorkerId::new(Some("a#1")), WorkerId::new(Some("a")));
        assert!(second.succeeds(first.as_str()) && !second.succeeds(second.as_str()));
        assert!(!first.succeeds(second.as_str()));
        assert!(!other.succeeds(first.as_str()) && !second.succeeds(other.as_str()));
        assert!(!WorkerId::new(None).succeeds(WorkerId::new(None).as_str()));
    }
}
