//! The control events, form 1: JSON, so that people and other programs can read them. Positions are numbers.

use serde::{Deserialize, Serialize};

use super::{ControlEvent, PartitionCount};
use crate::consumer_group::{MemberId, ParkedCause};

/// The only event of `definition`: what never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::consumer_group) struct Definition {
    pub(in crate::consumer_group) partitions: PartitionCount,
    /// The position after which the group starts.
    pub(in crate::consumer_group) start: u64,
}

/// Events of `members`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub(in crate::consumer_group) enum MemberNote {
    /// It lives; said once each heartbeat.
    Alive { member: MemberId },
    /// It has closed.
    Left { member: MemberId },
}

/// Events of `partition-N`. Each holds all there is to know, so that the last one alone is ever read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::consumer_group) struct PartitionState {
    /// Who works on it; nobody after it was given up.
    pub(in crate::consumer_group) holder: Option<MemberId>,
    /// Every event up to here is done with.
    pub(in crate::consumer_group) checkpoint: u64,
    /// Events behind the checkpoint that are done with too.
    #[serde(default)]
    pub(in crate::consumer_group) settled: Vec<u64>,
    /// How often events that are not done with have failed.
    #[serde(default)]
    pub(in crate::consumer_group) failures: Vec<(u64, u32)>,
}

/// Events of `parked-N`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(in crate::consumer_group) enum ParkedChange {
    Parked(ParkedEntry),
    /// A replay has failed; says nothing of an event that was discarded meanwhile.
    ParkedAgain {
        position: u64,
        attempts: u32,
        reason: String,
    },
    /// All of this key are to be delivered again.
    Replay {
        key: String,
    },
    /// A replay was acknowledged.
    Resolved {
        position: u64,
    },
    Discarded {
        position: u64,
    },
}

/// One parked event: where it is, not what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::consumer_group) struct ParkedEntry {
    pub(in crate::consumer_group) position: u64,
    pub(in crate::consumer_group) stream: String,
    pub(in crate::consumer_group) version: u64,
    pub(in crate::consumer_group) key: String,
    pub(in crate::consumer_group) cause: ParkedCause,
    pub(in crate::consumer_group) attempts: u32,
    pub(in crate::consumer_group) reason: String,
    /// Microseconds since the Unix epoch.
    pub(in crate::consumer_group) since: i64,
}

impl ControlEvent for Definition {
    const TYPE: &'static str = "$group.defined";
}

impl ControlEvent for MemberNote {
    const TYPE: &'static str = "$group.member";
}

impl ControlEvent for PartitionState {
    const TYPE: &'static str = "$group.partition";
}

impl ControlEvent for ParkedChange {
    const TYPE: &'static str = "$group.parked";
}

#[cfg(test)]
mod tests {
    use super::{Definition, MemberNote, ParkedChange, PartitionCount, PartitionState};
    use crate::consumer_group::MemberId;

    #[test]
    fn the_form_on_disk_is_the_one_that_is_written_down() {
        let member = MemberId::from_text("m1");
        let state = PartitionState {
            holder: Some(member.clone()),
            checkpoint: 7,
            settled: vec![9],
            failures: vec![(8, 2)],
        };
        let definition = Definition { partitions: PartitionCount::DEFAULT, start: 3 };
        let form = |value: serde_json::Value| value.to_string();
        assert_eq!(form(serde_json::to_value(definition).unwrap()), r#"{"partitions":8,"start":3}"#);
        assert_eq!(
            form(serde_json::to_value(state).unwrap()),
            r#"{"checkpoint":7,"failures":[[8,2]],"holder":"m1","settled":[9]}"#
        );
        assert_eq!(
            form(serde_json::to_value(MemberNote::Alive { member }).unwrap()),
            r#"{"member":"m1","note":"alive"}"#
        );
        assert_eq!(
            form(serde_json::to_value(ParkedChange::Replay { key: "a".into() }).unwrap()),
            r#"{"change":"replay","key":"a"}"#
        );
    }
}
