use std::{collections::BTreeMap, sync::Arc};

use eventstore_api::{Encoding, EventType, Metadata, NewEvent, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Error, Event, EventTypeName, Result,
    clock::{micros, optional_micros},
};

/// What an instance of a process manager has reacted to, and what it decided: the events of its stream, in JSON.
///
/// Each holds all that the instance is then, so that the last one alone is read. They are events like others: a projection over
/// them, or a subscription, sees what process managers do.
///
/// ```
/// use allframe_cqrs::{EventStore, process::Reacted};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::<Reacted>::new();
/// assert!(store.get_events("process-shipping-17").await?.is_empty());
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reacted {
    /// To what.
    pub to: Trigger,
    /// What the instance knows since then.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub state: Value,
    /// What it decided to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<Order>,
    /// The last event in the order of the store that it has handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled: Option<Place>,
    /// The timers that are set, with which of all that the instance has ever set each is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timers: BTreeMap<String, u64>,
    /// How many timers it has set so far.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub timers_set: u64,
    /// Whether it has ended, and reacts to nothing any more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ended: bool,
}

/// What an instance reacts to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trigger {
    /// An event of the application.
    #[serde(rename = "event")]
    Happened {
        /// Its id.
        id: String,
        /// What it is called in the store.
        name: String,
        /// Where it stands in the store.
        place: Place,
    },
    /// A timer whose time has come.
    Timer {
        /// Its name.
        name: String,
        /// Which of all timers that the instance has ever set.
        serial: u64,
    },
    /// A command that was dispatched for it was refused.
    Refused {
        /// The version of the reaction that decided on the command.
        version: u64,
        /// Which of its orders.
        order: usize,
        /// The name of the command.
        command: String,
        /// Why.
        reason: String,
    },
}

/// Where an event stands in the store: its position, and which it is of those that are read from one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Its position.
    pub position: u64,
    /// Which of those in one record, from 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub part: usize,
}

/// What an instance has decided to do. Moments are in microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Order {
    /// To dispatch a command.
    Dispatch {
        /// Its name.
        command: String,
        /// The command.
        body: Value,
        /// When, where it is scheduled.
        #[serde(default, with = "optional_micros", skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// To start a saga.
    StartSaga {
        /// Of which type.
        saga: String,
        /// Which of that type.
        id: String,
        /// What it begins with.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        input: Value,
        /// When, where it is scheduled.
        #[serde(default, with = "optional_micros", skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// To set a timer.
    SetTimer {
        /// Its name.
        name: String,
        /// Which of all that the instance has ever set.
        serial: u64,
        /// When its time has come.
        #[serde(with = "micros")]
        at: Timestamp,
        /// What the instance is told then.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        payload: Value,
    },
}

impl Reacted {
    pub(super) const TYPE: &'static str = "$process.reacted";

    /// As it is stored. Unlike an application's event it need not be tried whether it reads back: it is made of text and JSON.
    pub(super) fn to_new_event(&self, metadata: Metadata) -> Result<NewEvent> {
        let payload = serde_json::to_vec(self).map_err(|source| Error::Encode {
            what: Self::TYPE,
            encoding: Encoding::JSON,
            source: Arc::new(source),
        })?;
        Ok(NewEvent::new(EventType::new(Self::TYPE).map_err(Error::from)?, payload)
            .with_encoding(Encoding::JSON)
            .with_metadata(metadata))
    }
}

impl Trigger {
    /// Whether both are the same occasion, whatever else is said of them.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Happened { id, place, .. }, Self::Happened { id: other, place: at, .. }) => {
                id == other && place.part == at.part
            }
            (Self::Timer { name, serial }, Self::Timer { name: other, serial: which }) => {
                name == other && serial == which
            }
            (
                Self::Refused { version, order, .. },
                Self::Refused { version: other_version, order: other, .. },
            ) => version == other_version && order == other,
            _ => false,
        }
    }

    /// What it is called where people read it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Happened { name, .. } | Self::Timer { name, .. } => name,
            Self::Refused { command, .. } => command,
        }
    }
}

impl EventTypeName for Reacted {
    fn event_type_name() -> &'static str {
        Self::TYPE
    }
}

impl Event for Reacted {}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_first(part: &usize) -> bool {
    *part == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(answer: &bool) -> bool {
    !answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_on_disk_is_the_one_that_is_written_down() {
        let reacted = Reacted {
            to: Trigger::Timer { name: "payment".into(), serial: 1 },
            state: serde_json::json!({"paid": false}),
            orders: vec![
                Order::Dispatch { command: "Cancel".into(), body: serde_json::json!({"order": 7}), at: None },
                Order::SetTimer {
                    name: "grace".into(),
                    serial: 2,
                    at: Timestamp::from_micros(9),
                    payload: Value::Null,
                },
            ],
            handled: Some(Place { position: 3, part: 0 }),
            timers: BTreeMap::from([("grace".to_owned(), 2)]),
            timers_set: 2,
            ended: false,
        };
        let new = reacted.to_new_event(Metadata::new()).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&new.payload),
            concat!(
                r#"{"to":{"timer":{"name":"payment","serial":1}},"state":{"paid":false},"orders":["#,
                r#"{"dispatch":{"command":"Cancel","body":{"order":7}}},"#,
                r#"{"set_timer":{"name":"grace","serial":2,"at":9}}],"#,
                r#""handled":{"position":3},"timers":{"grace":2},"timers_set":2}"#
            )
        );
        assert_eq!(serde_json::from_slice::<Reacted>(&new.payload).unwrap(), reacted);
        let to = Trigger::Happened {
            id: "7".into(),
            name: "Placed".into(),
            place: Place { position: 3, part: 1 },
        };
        let form = r#"{"event":{"id":"7","name":"Placed","place":{"position":3,"part":1}}}"#;
        assert_eq!(serde_json::to_string(&to).unwrap(), form);
    }
}
