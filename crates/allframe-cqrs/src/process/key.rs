//! Names of process managers, of their instances, and of what belongs to these.

use std::sync::Arc;

use eventstore_api::StreamId;

use super::ProcessError;

/// Which instance of a process manager.
///
/// Its stream is `process-NAME-KEY`. A name has no `-`, so that the streams of no process manager begin as those of another do.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) key: String,
    pub(super) stream: StreamId,
}

/// What the names of all instances' streams begin with.
const PREFIX: &str = "process-";

/// Longest name of a process manager, in bytes: with what comes before it, it names a type of sagas.
const MAX_NAME_BYTES: usize = 48;

/// Longest key of an instance, in bytes: with what comes around it, it makes legal streams and idempotency keys.
const MAX_KEY_BYTES: usize = 256;

impl Instance {
    pub(super) fn new(process: &Arc<str>, key: &str) -> Result<Self, ProcessError> {
        let refuse = |reason| {
            Err(ProcessError::InvalidKey { process: process.to_string(), key: key.to_owned(), reason })
        };
        if key.is_empty() {
            return refuse("it is empty");
        }
        if key.len() > MAX_KEY_BYTES {
            return refuse("it has more than 256 bytes");
        }
        match StreamId::new(prefix_of(process) + key) {
            Ok(stream) => Ok(Self { key: key.to_owned(), stream }),
            Err(_) => refuse("it holds a control character"),
        }
    }

    /// The process manager, and the instance of it, whose stream this is.
    pub(super) fn of_stream(stream: &StreamId) -> Option<(&str, &str)> {
        let (process, key) = stream.as_str().strip_prefix(PREFIX)?.split_once('-')?;
        (check_name(process).is_ok() && !key.is_empty()).then_some((process, key))
    }

    /// What is called so has been decided once, by the reaction that has this version: the key of whatever carries it out.
    pub(super) fn key_of_order(&self, version: u64, order: usize) -> Arc<str> {
        format!("{}/{version}.{order}", self.stream).into()
    }
}

/// What the names of the streams of all its instances begin with, and no others where its name is a legal one.
pub(super) fn prefix_of(process: &str) -> String {
    format!("{PREFIX}{process}-")
}

/// The consumer group of a process manager.
pub(super) fn group(process: &str) -> String {
    format!("{PREFIX}{process}")
}

/// The type of the sagas that wait for timers.
pub(super) fn timer_saga(process: &str) -> String {
    format!("process_timer.{process}")
}

/// The type of the sagas that dispatch what was scheduled.
pub(super) fn command_saga(process: &str) -> String {
    format!("process_command.{process}")
}

pub(super) fn check_name(name: &str) -> Result<(), ProcessError> {
    let is_legal = !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.'));
    if is_legal { Ok(()) } else { Err(ProcessError::InvalidName { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saga::SagaId;

    #[test]
    fn the_longest_names_and_keys_make_legal_sagas_and_idempotency_keys() {
        let process: Arc<str> = "p".repeat(MAX_NAME_BYTES).into();
        check_name(&process).unwrap();
        let instance = Instance::new(&process, &"k".repeat(MAX_KEY_BYTES)).unwrap();
        let id = format!("{}/{}.{}", instance.key, u64::MAX, u64::MAX);
        for saga in [timer_saga(&process), command_saga(&process)] {
            SagaId::new(&saga, &id).unwrap();
        }
        assert!(instance.key_of_order(u64::MAX, usize::MAX).len() <= 503);
    }

    #[test]
    fn what_would_be_ambiguous_or_makes_no_stream_is_refused() {
        for name in ["", "a-b", "a/b", "ä", &"p".repeat(49)] {
            assert!(check_name(name).is_err(), "{name}");
        }
        for key in ["", "two\nlines", &"k".repeat(257)] {
            assert!(Instance::new(&"shipping".into(), key).is_err(), "{key}");
        }
    }
}
