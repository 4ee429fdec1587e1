use eventstore_api::{Encoding, EventType, Metadata, NewEvent, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StepErrorKind;
use crate::{
    Error, Event, EventTypeName, EventVariant, PayloadCodec, Result,
    clock::{micros, optional_micros},
    payload,
};

/// What happens to a saga: the events of its stream, in JSON.
///
/// Each is stored before what it says is acted upon. They are events like others: a projection over them, or a subscription,
/// sees what sagas do.
///
/// ```
/// use allframe_cqrs::{EventFilter, EventStore, saga::SagaEvent};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::<SagaEvent>::new();
/// let events = store.get_events("saga-reaccommodation-UA-1545").await?;
/// assert!(events.is_empty());
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SagaEvent {
    /// It has begun to exist.
    Started(Started),
    /// Another process drives it from now on.
    Claimed {
        /// Which.
        worker: String,
    },
    /// A step is carried out from now on.
    StepBegun {
        /// Which.
        step: String,
        /// The how manyth time, from 1.
        attempt: u32,
        /// When the attempt is given up.
        #[serde(with = "micros")]
        deadline: Timestamp,
        /// What is to be done, where it is decided before it is done: a command.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<Value>,
    },
    /// A step has been carried out.
    StepCompleted {
        /// Which.
        step: String,
        /// What came of it, for later steps.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        output: Value,
    },
    /// Its condition does not hold: a step is not carried out.
    StepSkipped {
        /// Which.
        step: String,
    },
    /// An attempt of a step has failed.
    StepFailed(AttemptFailed),
    /// What was done is undone from now on.
    CompensationBegun {
        /// Why.
        reason: String,
    },
    /// A step is undone from now on.
    UndoBegun {
        /// Which.
        step: String,
        /// The how manyth time, from 1.
        attempt: u32,
        /// When the attempt is given up.
        #[serde(with = "micros")]
        deadline: Timestamp,
    },
    /// A step has been undone.
    StepUndone {
        /// Which.
        step: String,
    },
    /// An attempt to undo a step has failed.
    UndoFailed(AttemptFailed),
    /// A person has to look at it.
    Parked {
        /// Why, with all that is known.
        reason: String,
        /// At which step: the one that counts as done, or undone, where the saga is resumed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<String>,
    },
    /// A person has it tried again from where it failed.
    Retried {
        /// What the person said.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// A person has done by hand what failed, so that it goes on behind that.
    Resumed {
        /// What came of it; for a step that is undone, nothing.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        output: Value,
        /// What the person said.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// All steps have been carried out.
    Completed,
    /// All that was done has been undone.
    Compensated,
    /// A person has ended it as it is.
    Abandoned {
        /// Why.
        reason: String,
    },
}

/// How a saga begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Started {
    /// What it was begun with.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// The version of its definition then.
    pub version: u32,
    /// What it belongs to.
    pub correlation_id: String,
    /// Who drives it; nobody yet where whoever started it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// When it turns round, if it has not ended.
    #[serde(default, with = "optional_micros", skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// Before then nothing is done.
    #[serde(default, with = "optional_micros", skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The stream of the saga that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// An attempt that has failed, of a step or of its undoing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AttemptFailed {
    /// Which step.
    pub step: String,
    /// The how manyth attempt, from 1.
    pub attempt: u32,
    /// Why, with the causes of that.
    pub error: String,
    /// What kind of failure it is.
    pub kind: StepErrorKind,
    /// When it is tried again; `None` where it is not.
    #[serde(default, with = "optional_micros", skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// When the saga has something to do next; `None` where something else is under way.
    #[serde(default, with = "optional_micros", skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

impl SagaEvent {
    pub(super) const STARTED: &'static str = "$saga.started";
    pub(super) const CLAIMED: &'static str = "$saga.claimed";
    pub(super) const STEP_FAILED: &'static str = "$saga.step-failed";
    pub(super) const UNDO_FAILED: &'static str = "$saga.undo-failed";
    pub(super) const COMPENSATION_BEGUN: &'static str = "$saga.compensation-begun";
    pub(super) const PARKED: &'static str = "$saga.parked";
    pub(super) const RETRIED: &'static str = "$saga.retried";
    pub(super) const RESUMED: &'static str = "$saga.resumed";
    pub(super) const COMPLETED: &'static str = "$saga.completed";
    pub(super) const COMPENSATED: &'static str = "$saga.compensated";
    pub(super) const ABANDONED: &'static str = "$saga.abandoned";

    /// As it is stored. Unlike an application's event it need not be tried whether it reads back: it is made of text and JSON.
    pub(super) fn to_new_event(&self, metadata: Metadata) -> Result<NewEvent> {
        let name = VARIANTS.get(self.variant_index()).map_or("", |variant| variant.name);
        let payload = payload::encode_content(self, PayloadCodec::Json, name)?;
        Ok(NewEvent::new(EventType::new(name).map_err(Error::from)?, payload)
            .with_encoding(Encoding::JSON)
            .with_metadata(metadata))
    }
}

const fn named(name: &'static str, index: u32) -> EventVariant {
    EventVariant::new(name).with_serde_index(index)
}

const VARIANTS: &[EventVariant] = &[
    named(SagaEvent::STARTED, 0),
    named(SagaEvent::CLAIMED, 1),
    named("$saga.step-begun", 2),
    named("$saga.step-completed", 3),
    named("$saga.step-skipped", 4),
    named(SagaEvent::STEP_FAILED, 5),
    named(SagaEvent::COMPENSATION_BEGUN, 6),
    named("$saga.undo-begun", 7),
    named("$saga.step-undone", 8),
    named(SagaEvent::UNDO_FAILED, 9),
    named(SagaEvent::PARKED, 10),
    named(SagaEvent::RETRIED, 11),
    named(SagaEvent::RESUMED, 12),
    named(SagaEvent::COMPLETED, 13),
    named(SagaEvent::COMPENSATED, 14),
    named(SagaEvent::ABANDONED, 15),
];

impl EventTypeName for SagaEvent {
    fn variants() -> &'static [EventVariant] {
        VARIANTS
    }

    fn variant_index(&self) -> usize {
        match self {
            Self::Started(_) => 0,
            Self::Claimed { .. } => 1,
            Self::StepBegun { .. } => 2,
            Self::StepCompleted { .. } => 3,
            Self::StepSkipped { .. } => 4,
            Self::StepFailed(_) => 5,
            Self::CompensationBegun { .. } => 6,
            Self::UndoBegun { .. } => 7,
            Self::StepUndone { .. } => 8,
            Self::UndoFailed(_) => 9,
            Self::Parked { .. } => 10,
            Self::Retried { .. } => 11,
            Self::Resumed { .. } => 12,
            Self::Completed => 13,
            Self::Compensated => 14,
            Self::Abandoned { .. } => 15,
        }
    }
}

impl Event for SagaEvent {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_on_disk_is_the_one_that_is_written_down() {
        let started = SagaEvent::Started(Started {
            input: serde_json::json!({"flight": 7}),
            version: 1,
            correlation_id: "c".into(),
            worker: Some("w".into()),
            deadline: Some(Timestamp::from_micros(9)),
            ..Started::default()
        });
        let failed = SagaEvent::StepFailed(AttemptFailed {
            step: "hold".into(),
            attempt: 2,
            error: "no".into(),
            kind: StepErrorKind::Retryable,
            retry_at: None,
            due: None,
        });
        let begun = SagaEvent::StepBegun {
            step: "hold".into(),
            attempt: 1,
            deadline: Timestamp::from_micros(5),
            order: None,
        };
        let form = |event: &SagaEvent| {
            let new = event.to_new_event(Metadata::new()).unwrap();
            format!("{} {}", new.event_type, String::from_utf8_lossy(&new.payload))
        };
        assert_eq!(
            form(&started),
            r#"$saga.started {"input":{"flight":7},"version":1,"correlation_id":"c","worker":"w","deadline":9}"#
        );
        assert_eq!(
            form(&failed),
            r#"$saga.step-failed {"step":"hold","attempt":2,"error":"no","kind":"retryable"}"#
        );
        assert_eq!(form(&begun), r#"$saga.step-begun {"step":"hold","attempt":1,"deadline":5}"#);
        assert_eq!(form(&SagaEvent::Completed), "$saga.completed {}");
    }
}
